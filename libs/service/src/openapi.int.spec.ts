import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiDocument, operations, type Operation } from '#libs/contracts';
import { startTestService, taskNamed, type TestService } from './fixture.js';

type Json = Record<string, unknown>;
interface Document extends Json {
  paths: Record<
    string,
    Record<string, { operationId: string; responses: Record<string, { content?: Record<string, { schema: Json }> }> }>
  >;
}
let service: TestService;
let document: Document;
const ajv = new Ajv2020({ strict: false, validateFormats: true });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);

beforeAll(async () => {
  service = await startTestService();
  service.tasks.tasks.set('web', taskNamed('web'));
  document = (await (await fetch(`${service.http.url}/openapi.json`)).json()) as Document;
  ajv.addSchema(document, 'openapi');
});
afterAll(() => service.close());

/** What the document says of an answer; an answer that it does not know is an error. */
const expectDescribed = (path: string, method: string, status: number, type: string, body: unknown): void => {
  const operation = document.paths[path]?.[method.toLowerCase()];
  const media = operation?.responses[String(status)]?.content?.[type];
  expect(media, `${method} ${path} says nothing of ${status} ${type}`).toBeDefined();
  const validate = ajv.compile(JSON.parse(JSON.stringify(media!.schema).replaceAll('"#/', '"openapi#/')) as Json);
  validate(body);
  expect(validate.errors ?? []).toEqual([]);
};

const step = { type: 'Docker', contextPath: 'https://git.example/a.git' };
const cases: [string, string, string, { body?: unknown; token?: string; headers?: Record<string, string> }, number][] =
  [
    ['POST', '/v1/tasks', '/v1/tasks', { body: { name: 'made', step } }, 201],
    ['POST', '/v1/tasks', '/v1/tasks', { body: { name: 'web', step } }, 409],
    ['POST', '/v1/tasks', '/v1/tasks', { body: { name: '?' } }, 400],
    ['POST', '/v1/tasks', '/v1/tasks', { body: 'text', headers: { 'content-type': 'text/plain' } }, 415],
    ['POST', '/v1/tasks', '/v1/tasks', { body: { name: 'a', step, tags: { a: 'x'.repeat(2_000_000) } } }, 413],
    ['GET', '/v1/tasks', '/v1/tasks', {}, 200],
    ['GET', '/v1/tasks', '/v1/tasks?pageSize=-1', {}, 400],
    ['GET', '/v1/tasks/{name}', '/v1/tasks/web', {}, 200],
    ['GET', '/v1/tasks/{name}', '/v1/tasks/none', {}, 404],
    ['GET', '/v1/tasks/{name}', '/v1/tasks/web', { token: 'nobody' }, 401],
    ['GET', '/v1/tasks/{name}', '/v1/tasks/web', { headers: { 'plinth-position': '99' } }, 503],
    ['PATCH', '/v1/tasks/{name}', '/v1/tasks/web', { body: { status: 'Disabled' } }, 200],
    ['PATCH', '/v1/tasks/{name}', '/v1/tasks/web', { body: {}, headers: { 'if-match': '"7"' } }, 412],
    ['DELETE', '/v1/tasks/{name}', '/v1/tasks/web', { token: 'reader-token' }, 403],
    ['DELETE', '/v1/tasks/{name}', '/v1/tasks/made', {}, 200],
    ['POST', '/v1/tasks/{name}/reset', '/v1/tasks/web/reset', {}, 500],
    ['GET', '/v1/graph/dependants', '/v1/graph/dependants?transitive=true', {}, 200],
    ['GET', '/v1/runs/{run}/logs', '/v1/runs/none/logs', {}, 404],
  ];

describe('the OpenAPI document', () => {
  it.each(cases)('describes %s %s (%s) %j: %i', async (method, path, target, options, status) => {
    const { body, token = 'writer-token', headers = {} } = options;
    const answer = await fetch(service.http.url + target, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    expect(answer.status).toBe(status);
    const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
    expectDescribed(path, method, status, type, await answer.json());
  });

  it('has every operation, and schemas that can be compiled', () => {
    const whole = openApiDocument(Object.values(operations) as Operation[], '1.0.0') as Document;
    const ids = Object.values(whole.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(ids.sort()).toEqual(Object.keys(operations).sort());
    const compiler = new Ajv2020({ strict: false, validateFormats: false });
    compiler.addSchema(whole, 'whole');
    const names = Object.keys((whole['components'] as { schemas: Json }).schemas);
    expect(names).toContain('TaskView');
    for (const name of names) compiler.compile({ $ref: `whole#/components/schemas/${name}` });
  });
});
