import { z } from 'zod';

/**
 * What a schema is made of, as far as protobuf can tell: the common ground of the proto files and the codec.
 * Constraints (lengths, patterns) are zod's alone.
 */
export type Shape =
  | { readonly kind: 'string' | 'boolean' | 'integer' | 'number' }
  /** Any JSON value: `google.protobuf.Value`. */
  | { readonly kind: 'value' }
  | { readonly kind: 'enum'; readonly enum: EnumShape }
  | { readonly kind: 'message'; readonly message: MessageShape }
  | { readonly kind: 'union'; readonly union: UnionShape }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape };

export interface EnumShape {
  readonly name: string;
  readonly values: readonly string[];
  readonly description?: string | undefined;
}

export interface FieldShape {
  /** Name in JSON and in the objects of protobuf libraries: camelCase. */
  readonly json: string;
  /** Name in proto files: snake_case. */
  readonly proto: string;
  readonly shape: Shape;
  /** May be absent (optional, or with a default). */
  readonly optional: boolean;
  readonly nullable: boolean;
  /** A truth value that is the text `true` or `false` in a query. */
  readonly text: boolean;
  readonly description?: string | undefined;
}

export interface MessageShape {
  readonly name: string;
  readonly fields: readonly FieldShape[];
  /** Fields that always have the same value, such as the tag of a union: not sent, but put back. */
  readonly constants: Readonly<Record<string, string>>;
  readonly description?: string | undefined;
}

/** A discriminated union: a message with one `oneof`. */
export interface UnionShape {
  readonly name: string;
  readonly discriminator: string;
  readonly variants: readonly { readonly tag: string; readonly proto: string; readonly message: MessageShape }[];
  readonly description?: string | undefined;
}

/** A list or map has no presence of its own in proto3. */
export const isCollection = (shape: Shape): boolean => shape.kind === 'list' || shape.kind === 'map';
/** It needs `null_fields`. */
export const hasNulls = (message: MessageShape): boolean =>
  message.fields.some((field) => field.nullable && field.shape.kind !== 'value');
/** It needs `empty_fields`. */
export const hasEmpties = (message: MessageShape): boolean =>
  message.fields.some((field) => (field.optional || field.nullable) && isCollection(field.shape));

export const snake = (camel: string): string =>
  camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, '');
export const pascal = (text: string): string =>
  text.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_match, first: string) => first.toUpperCase());

interface Unwrapped {
  readonly schema: z.core.$ZodType;
  readonly optional: boolean;
  readonly nullable: boolean;
  readonly description: string | undefined;
}

const describe = (schema: z.core.$ZodType): string | undefined => z.globalRegistry.get(schema)?.description;

const unwrap = (schema: z.core.$ZodType): Unwrapped => {
  let optional = false;
  let nullable = false;
  let description = describe(schema);
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
      optional = true;
    } else if (inner instanceof z.ZodNullable) {
      nullable = true;
    } else {
      return { schema: inner, optional, nullable, description };
    }
    inner = inner.def.innerType;
    description ??= describe(inner);
  }
};

/** `TaskView` and `circuit` → `TaskViewCircuit`; a field that says the name of its message does not say it twice. */
const placeOf = (message: string, field: string): string =>
  pascal(field).startsWith(message) ? pascal(field) : `${message}${pascal(field)}`;

/** All messages and enums that some schemas need, each name once. */
export class ShapeCatalog {
  readonly messages = new Map<string, MessageShape>();
  readonly unions = new Map<string, UnionShape>();
  readonly enums = new Map<string, EnumShape>();
  readonly #made = new Map<z.core.$ZodType, Shape>();

  constructor(private readonly names: ReadonlyMap<z.core.$ZodType, string>) {}

  /** Name that the schema has of its own, if it has one. */
  nameOf(schema: z.core.$ZodType): string | undefined {
    return this.names.get(schema);
  }

  /** The message of an object schema; `place` names it when it has no name of its own. */
  message(schema: z.ZodObject, place: string): MessageShape {
    const shape = this.shape(schema, place);
    if (shape.kind !== 'message') throw new Error(`${place} is no message`);
    return shape.message;
  }

  /**
   * @param place name for what has none: that of the message around it and the field
   * @throws Error for what has no counterpart in protobuf, saying where
   */
  shape(schema: z.core.$ZodType, place: string): Shape {
    const made = this.#made.get(schema);
    if (made) return made;
    const shape = this.#shape(schema, this.names.get(schema) ?? place);
    this.#made.set(schema, shape);
    return shape;
  }

  #shape(schema: z.core.$ZodType, name: string): Shape {
    // z.stringbool(): text in, truth value out.
    if (schema instanceof z.ZodPipe) return this.shape(schema.def.out, name);
    if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) return { kind: 'string' };
    if (schema instanceof z.ZodBoolean) return { kind: 'boolean' };
    if (schema instanceof z.ZodNumber) return { kind: schema.isInt ? 'integer' : 'number' };
    if (schema instanceof z.ZodUnknown || schema instanceof z.ZodAny) return { kind: 'value' };
    if (schema instanceof z.ZodEnum) return this.#enum(schema.options.map(String), name, schema);
    if (schema instanceof z.ZodLiteral) return this.#enum([...schema.values].map(String), name, schema);
    if (schema instanceof z.ZodArray) return { kind: 'list', of: this.#element(schema.element, name) };
    if (schema instanceof z.ZodRecord) return { kind: 'map', of: this.#element(schema.valueType, name) };
    if (schema instanceof z.ZodObject) return { kind: 'message', message: this.#object(schema, name) };
    if (schema instanceof z.ZodDiscriminatedUnion) return { kind: 'union', union: this.#union(schema, name) };
    throw new Error(`${name}: protobuf has nothing for ${schema._zod.def.type}`);
  }

  #element(schema: z.core.$ZodType, name: string): Shape {
    const { schema: inner, optional, nullable } = unwrap(schema);
    const shape = this.shape(inner, name);
    if (optional || nullable) throw new Error(`${name}: elements of lists and maps may not be null or absent`);
    if (isCollection(shape)) throw new Error(`${name}: a list or map stands directly in another; name what is inside`);
    return shape;
  }

  #enum(values: readonly string[], name: string, schema: z.core.$ZodType): Shape {
    const known = this.enums.get(name);
    if (known && known.values.join() !== values.join()) throw new Error(`Two enums are named ${name}`);
    const made = known ?? { name, values, description: describe(schema) };
    this.enums.set(name, made);
    return { kind: 'enum', enum: made };
  }

  #object(schema: z.ZodObject, name: string): MessageShape {
    const constants: Record<string, string> = {};
    const fields: FieldShape[] = [];
    for (const [json, field] of Object.entries(schema.shape as Record<string, z.core.$ZodType>)) {
      const { schema: inner, optional, nullable, description } = unwrap(field);
      if (inner instanceof z.ZodLiteral && inner.values.size === 1 && !optional && !nullable) {
        constants[json] = String(inner.value);
        continue;
      }
      fields.push({
        json,
        proto: snake(json),
        shape: this.shape(inner, placeOf(name, json)),
        optional,
        nullable,
        text: inner instanceof z.ZodPipe,
        description,
      });
    }
    const message = { name, fields, constants, description: describe(schema) };
    if (this.messages.has(name) || this.unions.has(name)) throw new Error(`Two messages are named ${name}`);
    this.messages.set(name, message);
    return message;
  }

  #union(schema: z.ZodDiscriminatedUnion, name: string): UnionShape {
    const { discriminator } = schema.def;
    const variants = (schema.options as z.ZodObject[]).map((option) => {
      const tags = (option.shape as Record<string, z.core.$ZodType>)[discriminator];
      if (!(tags instanceof z.ZodLiteral)) throw new Error(`${name}: its variants are not told apart by a literal`);
      const tag = String(tags.value);
      const shape = this.shape(option, `${name}${pascal(tag)}`);
      if (shape.kind !== 'message') throw new Error(`${name}: ${tag} is no message`);
      return { tag, proto: snake(tag), message: shape.message };
    });
    const union = { name, discriminator, variants, description: describe(schema) };
    if (this.messages.has(name) || this.unions.has(name)) throw new Error(`Two messages are named ${name}`);
    this.unions.set(name, union);
    return union;
  }
}
