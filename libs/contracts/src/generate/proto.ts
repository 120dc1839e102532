import { typeName } from '../codec/descriptor.js';
import { ownershipText } from '../operation.js';
import { rpcPackage, rpcServiceName, type ApiShape, type RpcShape } from '../codec/catalog.js';
import {
  chunkField,
  emptyFields,
  enumValueName,
  isUpload,
  nullFields,
  numberOf,
  protoFields,
  unionFields,
  unspecified,
  type NumberLock,
} from '../codec/lock.js';
import {
  hasEmpties,
  hasNulls,
  snake,
  type EnumShape,
  type MessageShape,
  type Shape,
  type UnionShape,
} from '../codec/shape.js';

const comment = (text: string | undefined, indent = ''): string =>
  text === undefined ? '' : `${indent}// ${text.replace(/\n/g, `\n${indent}// `)}\n`;

const typeText = (shape: Shape): string => {
  if (shape.kind === 'list') return `repeated ${typeText(shape.of)}`;
  return shape.kind === 'map' ? `map<string, ${typeText(shape.of)}>` : typeName(shape);
};
const scalars: ReadonlySet<Shape['kind']> = new Set(['string', 'boolean', 'integer', 'number', 'enum']);

/** Numbers and names of what was there once. */
const reserved = (numbers: Readonly<Record<string, number>> | undefined, present: readonly string[]): string => {
  const gone = Object.entries(numbers ?? {}).filter(([name]) => !present.includes(name));
  if (gone.length === 0) return '';
  return (
    `  reserved ${gone.map(([, number]) => number).join(', ')};\n` +
    `  reserved ${gone.map(([name]) => `"${name}"`).join(', ')};\n`
  );
};

const messageText = (message: MessageShape, upload: boolean, lock: NumberLock): string => {
  const numbers = lock.messages[message.name];
  const id = (name: string): number => numberOf(numbers, message.name, name);
  const lines = message.fields.map((field) => {
    const presence = (field.optional || field.nullable) && scalars.has(field.shape.kind) ? 'optional ' : '';
    return `${comment(field.description, '  ')}  ${presence}${typeText(field.shape)} ${field.proto} = ${id(field.proto)};\n`;
  });
  if (upload)
    lines.push(
      `  // The next bytes of the body; the other fields count in the first message only.\n  bytes ${chunkField} = ${id(chunkField)};\n`,
    );
  if (hasNulls(message)) {
    lines.push(
      `  // JSON names of the fields that are null, which is something else than absent.\n  repeated string ${nullFields} = ${id(nullFields)};\n`,
    );
  }
  if (hasEmpties(message)) {
    lines.push(
      `  // JSON names of the optional lists and maps that are there, but empty.\n  repeated string ${emptyFields} = ${id(emptyFields)};\n`,
    );
  }
  return `${comment(message.description)}message ${message.name} {\n${reserved(numbers, protoFields(message, upload))}${lines.join('')}}\n`;
};

const unionText = (union: UnionShape, lock: NumberLock): string => {
  const numbers = lock.messages[union.name];
  const lines = union.variants.map(
    (variant) => `    ${variant.message.name} ${variant.proto} = ${numberOf(numbers, union.name, variant.proto)};\n`,
  );
  return `${comment(union.description)}message ${union.name} {\n${reserved(numbers, unionFields(union))}  oneof kind {\n${lines.join('')}  }\n}\n`;
};

const enumText = (shape: EnumShape, lock: NumberLock): string => {
  const numbers = lock.enums[shape.name];
  const names = shape.values.map((value) => enumValueName(shape, value));
  const lines = names.map((name) => `  ${name} = ${numberOf(numbers, shape.name, name)};\n`);
  return `${comment(shape.description)}enum ${shape.name} {\n${reserved(numbers, names)}  ${unspecified(shape)} = 0;\n${lines.join('')}}\n`;
};

const serviceText = (name: string, rpcs: readonly RpcShape[]): string => {
  const methods = rpcs.map((rpc) => {
    const { operation } = rpc;
    const about = [
      `${operation.summary}.`,
      operation.description,
      `Needs the scope \`${operation.scope}\`.`,
      ownershipText(operation.team),
    ];
    return (
      comment(about.filter((line) => line !== undefined).join('\n'), '  ') +
      `  rpc ${rpc.name}(${rpc.clientStream ? 'stream ' : ''}${rpc.request.name}) returns (${rpc.serverStream ? 'stream ' : ''}${rpc.response.name});\n`
    );
  });
  return `service ${name} {\n${methods.join('\n')}}\n`;
};

const head = (imports: readonly string[]): string =>
  '// Generated from the table of operations. Do not edit: run the generator of libs/contracts.\n' +
  `syntax = "proto3";\n\npackage ${rpcPackage};\n` +
  (imports.length > 0 ? `\n${imports.map((file) => `import "${file}";\n`).join('')}` : '');

const usesValue = (message: MessageShape): boolean =>
  message.fields.some(({ shape }) => typeText(shape).includes('google.'));

/** Names of messages and enums that a message has fields of. */
const used = (message: MessageShape): string[] =>
  message.fields.map(({ shape }) => typeText(shape).replace(/^repeated |^map<string, |>$/g, ''));

/** The proto files, by path below the root of the proto module. */
export const protoFiles = (api: ApiShape, lock: NumberLock): Map<string, string> => {
  const files = new Map<string, string>();
  const folder = rpcPackage.replace('.', '/');
  const own = new Set([...api.rpcs.values()].flatMap((rpc) => [rpc.request.name, rpc.response.name]));
  const text = (message: MessageShape): string => messageText(message, isUpload(api, message), lock);

  const shared = [...api.catalog.messages.values()].filter((message) => !own.has(message.name));
  const blocks = [
    ...shared.map((message) => [message.name, text(message)] as const),
    ...[...api.catalog.unions.values()].map((union) => [union.name, unionText(union, lock)] as const),
    ...[...api.catalog.enums.values()].map((shape) => [shape.name, enumText(shape, lock)] as const),
  ].sort(([a], [b]) => (a < b ? -1 : 1));
  const types = new Set(blocks.map(([name]) => name));
  files.set(
    `${folder}/types.proto`,
    [head(shared.some(usesValue) ? ['google/protobuf/struct.proto'] : []), ...blocks.map(([, block]) => block)].join(
      '\n',
    ),
  );

  const services = Map.groupBy(api.rpcs.values(), (rpc) => rpcServiceName(rpc.operation.service));
  for (const [name, rpcs] of services) {
    const messages = rpcs.flatMap((rpc) => [rpc.request, rpc.response]);
    const imports = [
      ...(messages.some(usesValue) ? ['google/protobuf/struct.proto'] : []),
      ...(messages.flatMap(used).some((type) => types.has(type)) ? [`${folder}/types.proto`] : []),
    ];
    files.set(
      `${folder}/${snake(name)}.proto`,
      [head(imports), serviceText(name, rpcs), ...messages.map(text)].join('\n'),
    );
  }
  return files;
};
