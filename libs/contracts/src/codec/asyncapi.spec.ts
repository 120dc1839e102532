import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { events } from '../events/index.js';
import { asyncApiDocument } from './asyncapi.js';
import type { JsonSchema } from './schema-json.js';

const official = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as JsonSchema;
const document = asyncApiDocument(events, '1.0.0');
/** The official schema brings the one of JSON Schema along: `meta: false` where it is compiled. */
const ajvOf = (meta = true): Ajv => {
  const ajv = new Ajv({ strict: false, meta, validateSchema: meta });
  (formats as unknown as (ajv: Ajv) => void)(ajv);
  return ajv;
};

/** Every `$ref` of a value. */
const references = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key === '$ref' && typeof part === 'string' ? [part] : references(part),
  );
};
const resolve = (path: string): unknown =>
  path
    .slice(2)
    .split('/')
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);

describe('the AsyncAPI document', () => {
  it('is valid by the official schema of AsyncAPI 3.0, which would find a mistake', () => {
    const validate = ajvOf(false).compile(official);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ ...document, operations: { x: { action: 'shout', channel: { $ref: '#/channels/run' } } } })).toBe(
      false,
    );
  });

  it('refers only to what is there', () => {
    const all = references(document);
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter((path) => resolve(path) === undefined)).toEqual([]);
  });

  it('has every event of the catalogue, on the channel of its aggregate', () => {
    const { channels } = document as { channels: Record<string, { messages: Record<string, unknown> }> };
    for (const [type, { aggregate }] of Object.entries(events))
      expect(channels[aggregate]?.messages).toHaveProperty([type]);
  });

  it('describes payloads: a good one fits, another does not', () => {
    const ajv = ajvOf().addSchema(document, 'asyncapi');
    const validate = ajv.compile({ $ref: 'asyncapi#/components/messages/wave.closed/payload' });
    const closed = { wave: 'w1', built: 1, restored: 0, rebased: 0, unchanged: 0, unfinished: [] };
    expect(validate(closed)).toBe(true);
    expect(validate({ ...closed, built: 'one' })).toBe(false);
    const moved = ajv.compile({ $ref: 'asyncapi#/components/messages/tag.moved/payload' });
    expect(moved({ reference: 'r.test/a:1' })).toBe(false);
  });
});
