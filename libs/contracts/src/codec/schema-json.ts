import { z } from 'zod';
import { schemaNames } from './names.js';

export type JsonSchema = Record<string, unknown>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where zod puts named schemas: the older dialect has another word for it. */
const local = /^#\/(?:\$defs|definitions)\//;

/** `#/$defs/X` → `#/components/schemas/X`, everywhere. */
const rebase = (value: unknown, rename: (name: string) => string): unknown => {
  if (Array.isArray(value)) return value.map((part) => rebase(part, rename));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      key === '$ref' && typeof part === 'string' && local.test(part)
        ? `#/components/schemas/${rename(part.replace(local, ''))}`
        : rebase(part, rename),
    ]),
  );
};

/**
 * JSON Schemas of zod schemas for one document: named ones become components. What is sent and what is answered
 * differ (defaults may be left out of a request), so the components of requests have names of their own.
 */
export class JsonSchemas {
  readonly components: Record<string, JsonSchema> = {};

  /** @param target the dialect that the document takes: OpenAPI 3.1 the newer one, AsyncAPI 3.0 the older one */
  constructor(private readonly target: 'draft-2020-12' | 'draft-07' = 'draft-2020-12') {}

  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const names = {
      // zod asks a registry for the id (that makes a component) and the description.
      get: (one: z.core.$ZodType) => {
        const meta = z.globalRegistry.get(one);
        const id = one._zod.def.type === 'string' || one._zod.def.type === 'pipe' ? undefined : schemaNames.get(one);
        return id === undefined ? meta : { ...meta, id };
      },
      has: (one: z.core.$ZodType) => schemaNames.has(one) || z.globalRegistry.has(one),
    };
    const rename = (name: string): string => (io === 'input' ? `${name}Input` : name);
    const made = z.toJSONSchema(schema, {
      target: this.target,
      io,
      metadata: names as unknown as typeof z.globalRegistry,
    }) as JsonSchema;
    const { $schema: _schema, $defs, definitions, id, ...rest } = made;
    for (const [name, definition] of Object.entries(($defs ?? definitions ?? {}) as Record<string, JsonSchema>)) {
      const { id: _id, ...body } = definition;
      this.components[rename(name)] ??= rebase(body, rename) as JsonSchema;
    }
    const own = rebase(rest, rename) as JsonSchema;
    if (typeof id !== 'string') return own;
    this.components[rename(id)] ??= own;
    return { $ref: `#/components/schemas/${rename(id)}` };
  }
}
