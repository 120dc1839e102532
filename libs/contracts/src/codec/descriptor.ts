import type { ApiShape } from './catalog.js';
import { rpcServiceName } from './catalog.js';
import {
  chunkField,
  emptyFields,
  enumValueName,
  isUpload,
  nullFields,
  numberOf,
  unspecified,
  type NumberLock,
} from './lock.js';
import { hasEmpties, hasNulls, type EnumShape, type MessageShape, type Shape, type UnionShape } from './shape.js';

/** The JSON form of protobufjs, the part that is used here. */
export interface DescriptorField {
  readonly type: string;
  readonly id: number;
  readonly rule?: 'repeated';
  readonly keyType?: 'string';
  readonly options?: { readonly proto3_optional: true };
}
export interface DescriptorNode {
  edition?: string;
  fields?: Record<string, DescriptorField>;
  oneofs?: Record<string, { oneof: string[] }>;
  values?: Record<string, number>;
  methods?: Record<
    string,
    { requestType: string; responseType: string; requestStream?: boolean; responseStream?: boolean }
  >;
  nested?: Record<string, DescriptorNode>;
}

const camel = (text: string): string => text.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());

/** Name of a type in proto3, without what says that there are several. */
export const typeName = (shape: Shape): string => {
  switch (shape.kind) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'integer':
      return 'int64';
    case 'number':
      return 'double';
    case 'value':
      return 'google.protobuf.Value';
    case 'enum':
      return shape.enum.name;
    case 'message':
      return shape.message.name;
    case 'union':
      return shape.union.name;
    case 'list':
    case 'map':
      return typeName(shape.of);
  }
};

const messageNode = (message: MessageShape, upload: boolean, lock: NumberLock): DescriptorNode => {
  const numbers = lock.messages[message.name];
  const id = (name: string): number => numberOf(numbers, message.name, name);
  const fields: Record<string, DescriptorField> = {};
  const oneofs: Record<string, { oneof: string[] }> = {};
  for (const field of message.fields) {
    const { shape } = field;
    // What may be absent says whether it is there; a message always does.
    const presence =
      (field.optional || field.nullable) && ['string', 'boolean', 'integer', 'number', 'enum'].includes(shape.kind);
    if (presence) oneofs[`_${field.json}`] = { oneof: [field.json] };
    fields[field.json] = {
      type: typeName(shape),
      id: id(field.proto),
      ...(shape.kind === 'list' ? { rule: 'repeated' as const } : {}),
      ...(shape.kind === 'map' ? { keyType: 'string' as const } : {}),
      ...(presence ? { options: { proto3_optional: true as const } } : {}),
    };
  }
  if (upload) fields[chunkField] = { type: 'bytes', id: id(chunkField) };
  if (hasNulls(message)) fields[camel(nullFields)] = { type: 'string', id: id(nullFields), rule: 'repeated' };
  if (hasEmpties(message)) fields[camel(emptyFields)] = { type: 'string', id: id(emptyFields), rule: 'repeated' };
  return { fields, ...(Object.keys(oneofs).length > 0 ? { oneofs } : {}) };
};

const unionNode = (union: UnionShape, lock: NumberLock): DescriptorNode => ({
  oneofs: { kind: { oneof: union.variants.map((variant) => camel(variant.proto)) } },
  fields: Object.fromEntries(
    union.variants.map((variant) => [
      camel(variant.proto),
      { type: variant.message.name, id: numberOf(lock.messages[union.name], union.name, variant.proto) },
    ]),
  ),
});

const enumNode = (shape: EnumShape, lock: NumberLock): DescriptorNode => ({
  values: {
    [unspecified(shape)]: 0,
    ...Object.fromEntries(
      shape.values.map((value) => {
        const name = enumValueName(shape, value);
        return [name, numberOf(lock.enums[shape.name], shape.name, name)];
      }),
    ),
  },
});

/** google/protobuf/struct.proto. */
const structNodes: Record<string, DescriptorNode> = {
  Struct: { fields: { fields: { keyType: 'string', type: 'Value', id: 1 } } },
  Value: {
    oneofs: { kind: { oneof: ['nullValue', 'numberValue', 'stringValue', 'boolValue', 'structValue', 'listValue'] } },
    fields: {
      nullValue: { type: 'NullValue', id: 1 },
      numberValue: { type: 'double', id: 2 },
      stringValue: { type: 'string', id: 3 },
      boolValue: { type: 'bool', id: 4 },
      structValue: { type: 'Struct', id: 5 },
      listValue: { type: 'ListValue', id: 6 },
    },
  },
  NullValue: { values: { NULL_VALUE: 0 } },
  ListValue: { fields: { values: { rule: 'repeated', type: 'Value', id: 1 } } },
};

/** The whole API as protobufjs reads it: what the proto files say, with JSON names for fields. */
export const descriptorOf = (api: ApiShape, lock: NumberLock): DescriptorNode => {
  const nested: Record<string, DescriptorNode> = {};
  for (const message of api.catalog.messages.values()) {
    nested[message.name] = messageNode(message, isUpload(api, message), lock);
  }
  for (const union of api.catalog.unions.values()) nested[union.name] = unionNode(union, lock);
  for (const shape of api.catalog.enums.values()) nested[shape.name] = enumNode(shape, lock);
  for (const rpc of api.rpcs.values()) {
    const service = (nested[rpcServiceName(rpc.operation.service)] ??= { methods: {} });
    service.methods = {
      ...service.methods,
      [rpc.name]: {
        requestType: rpc.request.name,
        responseType: rpc.response.name,
        ...(rpc.clientStream ? { requestStream: true } : {}),
        ...(rpc.serverStream ? { responseStream: true } : {}),
      },
    };
  }
  return {
    nested: {
      google: { nested: { protobuf: { edition: 'proto3', nested: structNodes } } },
      plinth: { nested: { v1: { edition: 'proto3', nested } } },
    },
  };
};
