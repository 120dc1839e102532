import { connect } from 'node:net';
import { once } from 'node:events';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestService, taskNamed, type TestService } from '../fixture.js';

let service: TestService;
let url: string;
const writer = 'Bearer writer-token';
const reader = 'Bearer reader-token';

beforeAll(async () => {
  service = await startTestService();
  url = service.http.url;
});
afterAll(() => service.close());
beforeEach(() => {
  service.tasks.tasks.clear();
  service.tasks.tasks.set('web', taskNamed('web'));
  service.tasks.seen.length = 0;
  service.positions.reached = 7;
});

const step = { type: 'Docker', contextPath: 'https://git.example/a.git' };
const post = (path: string, body: object, token = writer) =>
  request(url).post(path).set('authorization', token).send(body);

describe('requests and answers', () => {
  it('creates a task: 201, its position, its version, defaults filled in', async () => {
    const answer = await post('/v1/tasks', { name: 'api', step });
    expect(answer.status).toBe(201);
    expect(answer.headers['plinth-position']).toBe('41');
    expect(answer.headers['etag']).toBe('"1"');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toMatchObject({
      name: 'api',
      team: 'web',
      timeout: 3600,
      step: { dockerFilePath: 'Dockerfile' },
    });
  });

  it('reads numbers and truth values from the query', async () => {
    const answer = await request(url)
      .get('/v1/graph/dependants?transitive=true&pageSize=5&task=web')
      .set('authorization', reader);
    expect(answer.status).toBe(200);
    expect(service.tasks.seen).toEqual([{ transitive: true, pageSize: 5, task: 'web' }]);
  });

  it('answers a read with the position that it shows at least', async () => {
    const answer = await request(url).get('/v1/tasks/web').set('authorization', reader);
    expect(answer.headers['plinth-position']).toBe('7');
    const head = await request(url).head('/v1/tasks/web').set('authorization', reader);
    expect(head.status).toBe(200);
  });

  it('answers 304 to who has this version already', async () => {
    const answer = await request(url).get('/v1/tasks/web').set('authorization', reader).set('if-none-match', '"1"');
    expect(answer.status).toBe(304);
  });

  it('passes null in a PATCH on, and tells it from absence', async () => {
    const answer = await request(url)
      .patch('/v1/tasks/web')
      .set('authorization', writer)
      .send({ step: { target: null }, trigger: { baseImageTrigger: null } });
    expect(answer.status).toBe(200);
    expect(service.tasks.seen).toEqual([{ name: 'web', step: { target: null }, trigger: { baseImageTrigger: null } }]);
  });

  it('refuses to change another version than the one named in If-Match', async () => {
    const patch = () => request(url).patch('/v1/tasks/web').set('authorization', writer);
    const stale = await patch().set('if-match', '"0"').send({ status: 'Disabled' });
    expect(stale.status).toBe(412);
    expect(stale.body).toMatchObject({ code: 'ETAG_MISMATCH' });
    expect((await patch().set('if-match', '"1"').send({ status: 'Disabled' })).status).toBe(200);
    expect((await patch().set('if-match', 'x, y').send({ status: 'Disabled' })).status).toBe(400);
  });
});

describe('requests that are not valid', () => {
  it('names each field that is unknown or not as it must be', async () => {
    const answer = await post('/v1/tasks', {
      name: 'a b',
      colour: 1,
      timeout: '1h',
      step: { ...step, imageNames: [7] },
    });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    const fields = (answer.body as { errors: { field: string }[] }).errors.map(({ field }) => field).sort();
    expect(fields).toEqual(['colour', 'name', 'step.imageNames[0]', 'timeout']);
    expect(answer.body).toMatchObject({
      code: 'INVALID_ARGUMENT',
      status: 400,
      type: expect.stringContaining('INVALID_ARGUMENT'),
    });
  });

  it.each([
    ['JSON that breaks off', '{"name": "a'],
    ['no JSON', 'name=a'],
    ['a list', '[]'],
    ['a number', '1'],
    ['what would change a prototype', '{"__proto__": {"admin": true}}'],
    ['the same, spelt another way', '{"__pr\\u006fto__": {"admin": true}}'],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a hundred thousand brackets', '['.repeat(100_000)],
  ])('refuses %s with 400', async (_what, body) => {
    const answer = await fetch(`${url}/v1/tasks`, {
      method: 'POST',
      headers: { authorization: writer, 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('refuses unknown query parameters, a token among them', async () => {
    const answer = await request(url).get('/v1/tasks?access_token=reader-token').set('authorization', reader);
    expect(answer.status).toBe(400);
    const bare = await request(url).get('/v1/tasks?access_token=reader-token');
    expect(bare.status).toBe(401);
    const stray = await request(url).post('/v1/tasks?name=a').set('authorization', writer).send({ name: 'a', step });
    expect(stray.status).toBe(400);
  });

  it('refuses a body that says another name than the path', async () => {
    const patch = (body: object) => request(url).patch('/v1/tasks/web').set('authorization', writer).send(body);
    expect((await patch({ name: 'other' })).status).toBe(400);
    expect((await patch({ name: 'web' })).status).toBe(200);
  });

  it('refuses other content types with 415 and larger bodies with 413, reading no further', async () => {
    const text = await request(url).post('/v1/tasks').set('authorization', writer).type('text/plain').send('{}');
    expect(text.status).toBe(415);
    const large = await post('/v1/tasks', { name: 'a', step, tags: { a: 'x'.repeat(2_000_000) } });
    expect(large.status).toBe(413);
    expect(large.headers['connection']).toBe('close');
    const packed = await request(url)
      .post('/v1/tasks')
      .set('authorization', writer)
      .set('content-encoding', 'gzip')
      .set('content-type', 'application/json')
      .send('{}');
    expect(packed.status).toBe(415);
  });

  it('answers 404 for an unknown path and 405 with Allow for a wrong method', async () => {
    const unknown = await request(url).get('/v1/nothing').set('authorization', reader);
    expect([unknown.status, unknown.body.code]).toEqual([404, 'NOT_FOUND']);
    const wrong = await request(url).put('/v1/tasks/web').set('authorization', writer);
    expect([wrong.status, wrong.body.code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(wrong.headers['allow']).toBe('DELETE, GET, PATCH');
    const badUrl = await request(url).get('/v1/tasks/%zz').set('authorization', reader);
    expect([badUrl.status, badUrl.headers['content-type']]).toEqual([400, expect.stringContaining('problem+json')]);
  });
});

describe('who may do what', () => {
  it('answers 401 with how to authenticate to who has no token, or one that is not known', async () => {
    for (const authorization of ['', 'Basic eDp5', 'Bearer nobody', 'Bearer ']) {
      const answer = await request(url).get('/v1/tasks/web').set('authorization', authorization);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toContain('Bearer');
    }
  });

  it('answers 403 when the scope is too small, before it reads the body', async () => {
    const answer = await post('/v1/tasks', { nonsense: true }, reader);
    expect([answer.status, answer.body.code]).toEqual([403, 'PERMISSION_DENIED']);
    expect((await request(url).get('/v1/tasks/web').set('authorization', writer)).status).toBe(200);
  });

  it('serves health, metrics and OpenAPI without a token', async () => {
    expect((await request(url).get('/health/live')).body).toEqual({ live: true });
    const leave = service.health.register('log', () => 'The event log cannot be reached: start nats-server.');
    const ready = await request(url).get('/health/ready');
    leave();
    expect(ready.status).toBe(503);
    expect(ready.body).toEqual({
      ready: false,
      missing: { log: 'The event log cannot be reached: start nats-server.' },
    });
    expect((await request(url).get('/health/ready')).status).toBe(200);
    const metrics = await request(url).get('/metrics');
    expect(metrics.text).toContain('plinth_operation_duration_seconds_bucket');
    expect((await request(url).get('/openapi.json')).status).toBe(200);
    expect((await request(url).get('/asyncapi.json')).body).toMatchObject({ asyncapi: '3.0.0' });
  });
});

describe('positions', () => {
  it('answers once the projection has reached what the caller saw, else 503 with when to come back', async () => {
    const read = (position: string) =>
      request(url).get('/v1/tasks/web').set('authorization', reader).set('plinth-position', position);
    expect((await read('7')).status).toBe(200);
    const behind = await read('8');
    expect([behind.status, behind.body.code]).toEqual([503, 'PROJECTION_BEHIND']);
    expect(behind.headers['retry-after']).toBe('1');
    expect((await read('-1')).status).toBe(400);
    expect((await read('1e3')).status).toBe(400);
  });
});

describe('idempotency keys', () => {
  it('answers the same request again as the first time, and refuses the key for another', async () => {
    const create = (body: object) => post('/v1/tasks', body).set('idempotency-key', 'key-1');
    const first = await create({ name: 'once', step });
    const again = await create({ step, name: 'once' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers['plinth-position']).toBe('41');
    expect(service.tasks.seen).toHaveLength(1);
    const other = await create({ name: 'other', step });
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('lets a request that failed be repeated with its key', async () => {
    const create = () => post('/v1/tasks', { name: 'web', step }).set('idempotency-key', 'key-2');
    expect((await create()).status).toBe(409);
    service.tasks.tasks.clear();
    expect((await create()).status).toBe(201);
  });
});

describe('mistakes of the service', () => {
  it('answers 500 without the cause, and logs the cause under the id of the answer', async () => {
    const answer = await post('/v1/tasks/web/reset', {});
    expect([answer.status, answer.body.code]).toEqual([500, 'INTERNAL']);
    expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|TypeError|\.ts/);
    const id = (answer.body as { instance: string }).instance.replace('urn:uuid:', '');
    expect(service.log.find((line) => line.includes(id))).toContain('TypeError');
  });

  it('finds an answer that does not fit its schema, where answers are validated', async () => {
    expect((await post('/v1/runs/c1/cancel', {})).status).toBe(500);
  });
});

describe('raw routes', () => {
  const hook = (body: string, secret = 'hook-secret') =>
    request(url)
      .post('/v1/hooks/distribution/registry.local:5000')
      .set('authorization', secret)
      .set('content-type', 'application/vnd.docker.distribution.events.v2+json')
      .send(body);
  it('get the body as it was sent, within their limit, and authenticate themselves', async () => {
    expect((await hook('{"events":[]}')).text).toBe('registry.local:5000 13');
    expect((await hook('x'.repeat(101))).status).toBe(413);
    expect((await hook('{}', 'wrong')).status).toBe(401);
  });
});

describe('senders that go on sending', () => {
  const mebibyte = 1024 * 1024;
  /** Sends a whole request of many chunks before it reads a byte, as simple senders do; answers what came back. */
  const sendBlindly = async (path: string, headers: string, bytes: number, isChunked: boolean): Promise<string> => {
    const socket = connect(service.http.port, '127.0.0.1');
    await once(socket, 'connect');
    const length = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`;
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${length}\r\n\r\n`);
    const chunk = 'x'.repeat(65_536);
    for (let sent = 0; sent < bytes; sent += chunk.length) {
      const isTaken = socket.write(isChunked ? `10000\r\n${chunk}\r\n` : chunk);
      if (!isTaken) await once(socket, 'drain');
    }
    if (isChunked) socket.write('0\r\n\r\n');
    let answer = '';
    for await (const data of socket) answer += String(data);
    return answer;
  };

  it.each([
    [
      'a body that says it is too large',
      '/v1/tasks',
      'Authorization: Bearer writer-token\r\nContent-Type: application/json',
      false,
    ],
    [
      'a body that turns out to be',
      '/v1/tasks',
      'Authorization: Bearer writer-token\r\nContent-Type: application/json',
      true,
    ],
    ['a notification', '/v1/hooks/distribution/registry.local:5000', 'Authorization: hook-secret', false],
    [
      'a notification of unsaid length',
      '/v1/hooks/distribution/registry.local:5000',
      'Authorization: hook-secret',
      true,
    ],
    ['an upload', '/v1/contexts', 'Authorization: Bearer writer-token\r\nContent-Type: application/gzip', false],
    [
      'an upload of unsaid length',
      '/v1/contexts',
      'Authorization: Bearer writer-token\r\nContent-Type: application/gzip',
      true,
    ],
  ])('get their answer whole: %s', async (_what, path, headers, isChunked) => {
    const answer = await sendBlindly(path, headers, 16 * mebibyte, isChunked);
    expect(answer).toMatch(/^HTTP\/1.1 413 Payload Too Large\r\n/);
    expect(answer).toMatch(/"code":"PAYLOAD_TOO_LARGE".*\}$/s);
    expect(answer.toLowerCase()).toContain('connection: close');
  });
});

describe('uploads', () => {
  const upload = (body: Buffer, type = 'application/gzip') =>
    request(url).post('/v1/contexts').set('authorization', writer).set('content-type', type).send(body);

  it('hands the bytes to the handler as they come', async () => {
    const answer = await upload(Buffer.alloc(4096, 'a'));
    expect([answer.status, answer.body.bytes]).toEqual([201, 4096]);
  });
  it('refuses other types, and more bytes than the limit, said or unsaid', async () => {
    expect((await upload(Buffer.alloc(10), 'application/zip')).status).toBe(415);
    expect((await upload(Buffer.alloc(4097))).status).toBe(413);
    const socket = connect(service.http.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      'POST /v1/contexts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer writer-token\r\nContent-Type: application/gzip\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    for (let i = 0; i < 3; i++) socket.write(`800\r\n${'x'.repeat(2048)}\r\n`);
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toContain('413 Payload Too Large');
    socket.destroy();
  });
});
