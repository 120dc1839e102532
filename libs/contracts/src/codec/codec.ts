import { enumValueName, type NumberLock } from './lock.js';
import type { EnumShape, MessageShape, Shape, UnionShape } from './shape.js';
import { decodeValue, encodeValue, type ProtoValue } from './value.js';

type Json = unknown;
type ProtoObject = Record<string, unknown>;

/** A value does not fit the schema: always said, never dropped. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  constructor(
    /** Path of the field. */
    readonly field: string,
    readonly problem: string,
  ) {
    super(`${field || 'message'}: ${problem}`);
  }
}

const at = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
const camel = (text: string): string => text.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Between JSON values, as the schemas describe them, and the plain objects of protobuf libraries.
 *
 * proto3 knows neither `null` nor an absent list, so two rules hold for every message: the JSON names of fields that
 * are null stand in `null_fields`; those of optional lists and maps that are there but empty stand in `empty_fields`.
 */
export class Codec {
  readonly #enums = new Map<string, { numbers: Map<string, number>; values: Map<number, string> }>();

  constructor(private readonly lock: NumberLock) {}

  encode(message: MessageShape, value: Json, path = ''): ProtoObject {
    if (!isObject(value)) throw new CodecError(path, 'expected an object');
    const proto: ProtoObject = {};
    const nulls: string[] = [];
    const empties: string[] = [];
    for (const field of message.fields) {
      const part = value[field.json];
      const place = at(path, field.json);
      if (part === undefined) {
        if (!field.optional && field.shape.kind !== 'value') throw new CodecError(place, 'is missing');
      } else if (part === null && field.shape.kind !== 'value') {
        if (!field.nullable) throw new CodecError(place, 'may not be null');
        nulls.push(field.json);
      } else {
        proto[field.json] = this.#encode(field.shape, part, place);
        const { kind } = field.shape;
        const isEmpty =
          (kind === 'list' && (part as unknown[]).length === 0) ||
          (kind === 'map' && Object.keys(part as object).length === 0);
        if (isEmpty && (field.optional || field.nullable)) empties.push(field.json);
      }
    }
    this.#checkRest(message, value, path);
    if (nulls.length > 0) proto['nullFields'] = nulls;
    if (empties.length > 0) proto['emptyFields'] = empties;
    return proto;
  }

  /** @param text truth values of queries as `true` and `false` in text, as an input schema wants them */
  decode(
    message: MessageShape,
    proto: ProtoObject,
    options: { readonly text?: boolean } = {},
    path = '',
  ): Record<string, Json> {
    const value: Record<string, Json> = { ...message.constants };
    const nulls = new Set(proto['nullFields'] as string[] | undefined);
    const empties = new Set(proto['emptyFields'] as string[] | undefined);
    for (const field of message.fields) {
      const { json, shape } = field;
      const place = at(path, json);
      const part = Object.hasOwn(proto, json) ? proto[json] : undefined;
      if (nulls.delete(json)) {
        if (!field.nullable) throw new CodecError(place, 'may not be null');
        value[json] = null;
      } else if (part !== undefined && part !== null) {
        const decoded = this.#decode(shape, part, options, place);
        // Senders in other languages may send an empty list where ours sends nothing.
        const absent = field.optional && isEmptyCollection(shape, decoded) && !empties.has(json);
        if (!absent) value[json] = field.text && options.text ? String(decoded) : decoded;
      } else if (empties.has(json) || (!field.optional && !field.nullable)) {
        const zero = zeroOf(shape);
        if (zero !== undefined) value[json] = zero;
      }
      empties.delete(json);
    }
    const [stray] = [...nulls, ...empties];
    if (stray !== undefined) throw new CodecError(path, `has no field "${stray}" that could be null or empty`);
    return value;
  }

  #checkRest(message: MessageShape, value: Record<string, unknown>, path: string): void {
    for (const [name, part] of Object.entries(value)) {
      if (part === undefined || message.fields.some((field) => field.json === name)) continue;
      const constant = Object.hasOwn(message.constants, name) ? message.constants[name] : undefined;
      if (constant === undefined) throw new CodecError(at(path, name), `is no field of ${message.name}`);
      if (part !== constant) throw new CodecError(at(path, name), `is always "${constant}"`);
    }
  }

  #encode(shape: Shape, value: Json, path: string): unknown {
    switch (shape.kind) {
      case 'string':
        if (typeof value !== 'string') throw new CodecError(path, 'expected a text');
        return value;
      case 'boolean':
        if (value === 'true' || value === 'false') return value === 'true';
        if (typeof value !== 'boolean') throw new CodecError(path, 'expected true or false');
        return value;
      case 'integer':
        if (!Number.isSafeInteger(value)) throw new CodecError(path, 'expected a whole number');
        return value;
      case 'number':
        if (typeof value !== 'number') throw new CodecError(path, 'expected a number');
        return value;
      case 'value':
        return encodeValue(value);
      case 'enum':
        return this.#numberOf(shape.enum, value, path);
      case 'message':
        return this.encode(shape.message, value, path);
      case 'union':
        return this.#encodeUnion(shape.union, value, path);
      case 'list':
        if (!Array.isArray(value)) throw new CodecError(path, 'expected a list');
        return value.map((part, index) => this.#encode(shape.of, part, `${path}[${index}]`));
      case 'map':
        if (!isObject(value)) throw new CodecError(path, 'expected an object');
        return Object.fromEntries(
          Object.entries(value).map(([key, part]) => [
            key,
            this.#encode(shape.of, part, `${path}[${JSON.stringify(key)}]`),
          ]),
        );
    }
  }

  #decode(shape: Shape, part: unknown, options: { readonly text?: boolean }, path: string): Json {
    switch (shape.kind) {
      case 'string':
      case 'boolean':
      case 'integer':
      case 'number':
        return part;
      case 'value':
        return decodeValue(part as ProtoValue);
      case 'enum':
        return this.#valueOf(shape.enum, part, path);
      case 'message':
        return this.decode(shape.message, part as ProtoObject, options, path);
      case 'union':
        return this.#decodeUnion(shape.union, part as ProtoObject, options, path);
      case 'list':
        return (part as unknown[]).map((one, index) => this.#decode(shape.of, one, options, `${path}[${index}]`));
      case 'map':
        return Object.fromEntries(
          Object.entries(part as object).map(([key, one]) => [
            key,
            this.#decode(shape.of, one, options, `${path}[${JSON.stringify(key)}]`),
          ]),
        );
    }
  }

  #encodeUnion(union: UnionShape, value: Json, path: string): ProtoObject {
    const tag = isObject(value) ? value[union.discriminator] : undefined;
    const variant = union.variants.find((one) => one.tag === tag);
    if (!variant) {
      const tags = union.variants.map((one) => one.tag).join(', ');
      throw new CodecError(at(path, union.discriminator), `expected one of ${tags}`);
    }
    return { [camel(variant.proto)]: this.encode(variant.message, value, path) };
  }

  #decodeUnion(union: UnionShape, proto: ProtoObject, options: { readonly text?: boolean }, path: string): Json {
    for (const variant of union.variants) {
      const part = proto[camel(variant.proto)];
      if (isObject(part)) return this.decode(variant.message, part, options, path);
    }
    throw new CodecError(path, `expected one of ${union.variants.map((one) => one.proto).join(', ')}`);
  }

  #table(shape: EnumShape): { numbers: Map<string, number>; values: Map<number, string> } {
    let table = this.#enums.get(shape.name);
    if (!table) {
      const numbers = new Map<string, number>();
      for (const value of shape.values) {
        const number = this.lock.enums[shape.name]?.[enumValueName(shape, value)];
        if (number !== undefined) numbers.set(value, number);
      }
      table = { numbers, values: new Map([...numbers].map(([value, number]) => [number, value])) };
      this.#enums.set(shape.name, table);
    }
    return table;
  }
  #numberOf(shape: EnumShape, value: Json, path: string): number {
    const number = typeof value === 'string' ? this.#table(shape).numbers.get(value) : undefined;
    if (number === undefined) throw new CodecError(path, `expected one of ${shape.values.join(', ')}`);
    return number;
  }
  #valueOf(shape: EnumShape, number: unknown, path: string): string {
    const value = this.#table(shape).values.get(number as number);
    if (value === undefined) throw new CodecError(path, `expected one of ${shape.values.join(', ')}`);
    return value;
  }
}

const isEmptyCollection = (shape: Shape, value: Json): boolean =>
  (shape.kind === 'list' && (value as unknown[]).length === 0) ||
  (shape.kind === 'map' && Object.keys(value as object).length === 0);

/** What proto3 does not send: the zero of its type. Messages, unions, enums and values have none. */
const zeroOf = (shape: Shape): Json => {
  switch (shape.kind) {
    case 'string':
      return '';
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return 0;
    case 'list':
      return [];
    case 'map':
      return {};
    case 'enum':
    case 'message':
    case 'union':
    case 'value':
      return undefined;
  }
};
