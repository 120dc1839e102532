import { z } from 'zod';
import { errors, type ErrorCode } from '../errors.js';
import { ownershipText, type Operation } from '../operation.js';
import { pathFields, takesQuery } from './path.js';
import { JsonSchemas, type JsonSchema } from './schema-json.js';

/** Errors that every operation may answer. */
const common: readonly ErrorCode[] = [
  'INVALID_ARGUMENT',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'INTERNAL',
  'PROJECTION_BEHIND',
  'UNAVAILABLE',
];

const problemSchema: JsonSchema = {
  type: 'object',
  description: 'What went wrong: problem details, RFC 9457.',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened, to what, and what to do.' },
    code: { type: 'string', enum: Object.keys(errors) },
    instance: { type: 'string', description: 'Id under which the log of the service has it.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'message'],
        additionalProperties: false,
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

const position = { $ref: '#/components/headers/Plinth-Position' };
const ref = (kind: 'parameters' | 'schemas', name: string): JsonSchema => ({ $ref: `#/components/${kind}/${name}` });

const parameters: Record<string, JsonSchema> = {
  'Plinth-Position': {
    name: 'Plinth-Position',
    in: 'header',
    description: 'Position of the log that the answer must show; waits for it up to 2 s, then 503 PROJECTION_BEHIND.',
    schema: { type: 'integer', minimum: 0 },
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'The same request with the same key within 24 h is answered as the first time.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  'If-Match': {
    name: 'If-Match',
    in: 'header',
    description: 'Version to change, as ETag answered it; 412 when it is at another one.',
    schema: { type: 'string' },
  },
  'Last-Event-ID': {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'Id of the last event that was read.',
    schema: { type: 'integer', minimum: 0 },
  },
};

const fieldParameters = (operation: Operation, schemas: JsonSchemas): JsonSchema[] => {
  const inPath = pathFields(operation.path);
  const fields = Object.entries(operation.input.shape as Record<string, z.ZodType>);
  return fields
    .filter(([name]) => inPath.includes(name) || takesQuery(operation))
    .map(([name, schema]) => {
      // What stands in a URL is text; the schema of the document says what the text means.
      const { description, ...rest } = schemas.of(schema, 'output');
      return {
        name,
        in: inPath.includes(name) ? 'path' : 'query',
        required: inPath.includes(name) || !schema.safeParse(undefined).success,
        ...(description === undefined ? {} : { description }),
        schema: rest,
      };
    });
};

const requestBody = (operation: Operation, schemas: JsonSchemas): JsonSchema | undefined => {
  if (operation.kind === 'upload') {
    const types = operation.accepts?.types ?? ['application/octet-stream'];
    return { required: true, content: Object.fromEntries(types.map((type) => [type, {}])) };
  }
  if (takesQuery(operation)) return undefined;
  const inPath = pathFields(operation.path);
  const fields = Object.entries(operation.input.shape as Record<string, z.ZodType>);
  const body = z.strictObject(Object.fromEntries(fields.filter(([name]) => !inPath.includes(name))));
  if (Object.keys(body.shape).length === 0) return undefined;
  return {
    required: !body.safeParse({}).success,
    content: { 'application/json': { schema: schemas.of(body, 'input') } },
  };
};

const success = (operation: Operation, schemas: JsonSchemas): JsonSchema => {
  const schema = schemas.of(operation.output, 'output');
  const headers = { 'Plinth-Position': position };
  if (operation.kind !== 'stream') {
    return {
      description: operation.summary,
      headers: { ...headers, ETag: { $ref: '#/components/headers/ETag' } },
      ...(operation.status === 204 ? {} : { content: { 'application/json': { schema } } }),
    };
  }
  const type = operation.as === 'text' ? 'text/plain' : 'text/event-stream';
  return {
    description: `${operation.summary}. Each event has one item as its data; the event \`end\` is the regular end, \`problem\` an error.`,
    headers,
    // `itemSchema` is of OpenAPI 3.2; in 3.1 the schema of an item is an extension.
    content: { [type]: { schema: { type: 'string' }, 'x-item-schema': schema } },
  };
};

const problems = (operation: Operation): Record<string, JsonSchema> => {
  const codes = new Set([...common, ...operation.errors]);
  if (!takesQuery(operation) || operation.kind === 'upload') {
    codes.add('PAYLOAD_TOO_LARGE').add('UNSUPPORTED_MEDIA_TYPE');
  }
  if (operation.method === 'POST' && operation.kind === undefined) codes.add('IDEMPOTENCY_KEY_REUSED').add('CONFLICT');
  const byStatus = Map.groupBy(codes, (code) => errors[code].http);
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, list]) => [
        String(status),
        {
          description: list.map((code) => `${code}: ${errors[code].title}.`).join(' '),
          content: { 'application/problem+json': { schema: ref('schemas', 'Problem') } },
        },
      ]),
  );
};

const operationObject = (operation: Operation, schemas: JsonSchemas): JsonSchema => {
  const body = requestBody(operation, schemas);
  const description = [operation.description, ownershipText(operation.team)].filter(Boolean).join(' ');
  const headers = [
    'Plinth-Position',
    ...(operation.method === 'POST' && operation.kind === undefined ? ['Idempotency-Key'] : []),
    ...(operation.errors.includes('ETAG_MISMATCH') ? ['If-Match'] : []),
    ...(operation.kind === 'stream' ? ['Last-Event-ID'] : []),
  ];
  return {
    operationId: operation.name,
    tags: [operation.service === 'every' ? 'events' : operation.service],
    summary: operation.summary,
    ...(description === '' ? {} : { description }),
    security: [{ token: [operation.scope] }],
    parameters: [...fieldParameters(operation, schemas), ...headers.map((name) => ref('parameters', name))],
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { [String(operation.status ?? 200)]: success(operation, schemas), ...problems(operation) },
  };
};

/** The OpenAPI 3.1 document of these operations. */
export const openApiDocument = (served: readonly Operation[], version: string): JsonSchema => {
  const schemas = new JsonSchemas();
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const operation of served) {
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = operationObject(operation, schemas);
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Plinth',
      version,
      description: 'Keeps container images standing on a current base.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:7460', description: 'The standalone default.' }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A token of `POST /v1/tokens`, or of an OpenID Connect issuer that the operator names; scope and team limit what it may do.',
        },
      },
      headers: {
        'Plinth-Position': {
          description: 'Position of the log that this answer stands at: of the write, or what a read shows at least.',
          schema: { type: 'integer', minimum: 0 },
        },
        ETag: { description: 'Version of what is answered; `If-Match` takes it.', schema: { type: 'string' } },
      },
      parameters,
      schemas: Object.fromEntries(
        Object.entries({ ...schemas.components, Problem: problemSchema }).sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    },
  };
};
