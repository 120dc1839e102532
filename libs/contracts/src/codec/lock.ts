import { hasEmpties, hasNulls, snake, type EnumShape, type MessageShape, type UnionShape } from './shape.js';
import type { ApiShape } from './catalog.js';

/** Numbers that were given out once: they stay with their name for ever, and are reserved when it goes. */
export interface NumberLock {
  /** Message → field → number. */
  readonly messages: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Enum → value → number. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A field of a proto message beside those of the schema. */
export const nullFields = 'null_fields';
export const emptyFields = 'empty_fields';
export const chunkField = 'chunk';

export const enumValueName = (shape: EnumShape, value: string): string =>
  `${snake(shape.name)}_${snake(value.replace(/[^A-Za-z0-9]+/g, '_'))}`.toUpperCase();
export const unspecified = (shape: EnumShape): string => `${snake(shape.name)}_unspecified`.toUpperCase();

/** Names of the proto fields of a message, in order. */
export const protoFields = (message: MessageShape, upload: boolean): string[] => [
  ...message.fields.map((field) => field.proto),
  ...(upload ? [chunkField] : []),
  ...(hasNulls(message) ? [nullFields] : []),
  ...(hasEmpties(message) ? [emptyFields] : []),
];
export const unionFields = (union: UnionShape): string[] => union.variants.map((variant) => variant.proto);

const extend = (
  known: Readonly<Record<string, number>> | undefined,
  names: readonly string[],
): Record<string, number> => {
  const numbers: Record<string, number> = { ...known };
  let next = Math.max(0, ...Object.values(numbers)) + 1;
  for (const name of names) {
    if (numbers[name] !== undefined) continue;
    // 19000 to 19999 belong to protobuf itself.
    if (next === 19_000) next = 20_000;
    numbers[name] = next++;
  }
  return numbers;
};

export const isUpload = (api: ApiShape, message: MessageShape): boolean =>
  [...api.rpcs.values()].some((rpc) => rpc.clientStream && rpc.request === message);

/** The lock with numbers for what is new. Nothing is ever taken out. */
export const extendLock = (api: ApiShape, lock: NumberLock): NumberLock => {
  const messages: Record<string, Readonly<Record<string, number>>> = { ...lock.messages };
  const enums: Record<string, Readonly<Record<string, number>>> = { ...lock.enums };
  for (const message of api.catalog.messages.values()) {
    messages[message.name] = extend(messages[message.name], protoFields(message, isUpload(api, message)));
  }
  for (const union of api.catalog.unions.values()) {
    messages[union.name] = extend(messages[union.name], unionFields(union));
  }
  for (const shape of api.catalog.enums.values()) {
    enums[shape.name] = extend(
      enums[shape.name],
      shape.values.map((value) => enumValueName(shape, value)),
    );
  }
  return { messages, enums };
};

/** Number of a field or value; what has none was added without running the generator. */
export const numberOf = (
  numbers: Readonly<Record<string, number>> | undefined,
  owner: string,
  name: string,
): number => {
  const number = numbers?.[name];
  if (number === undefined) {
    throw new Error(
      `${owner}.${name} has no number yet: run the generator of libs/contracts and commit what it writes`,
    );
  }
  return number;
};
