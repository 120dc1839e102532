import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlinthError } from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestService, taskNamed, type TestService } from '../../service/src/fixture.js';
import { createClient, createGrpcClient, type Client } from './index.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());
beforeEach(() => {
  service.tasks.tasks.clear();
  service.tasks.tasks.set('web', taskNamed('web'));
  service.tasks.seen.length = 0;
  service.positions.reached = 100;
});

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};
const step = { type: 'Docker', contextPath: 'https://git.example/a.git' } as const;
const retry = { firstDelayMs: 1 };

/** The same promises over both transports. */
describe.each([
  ['HTTP', (token: string): Client => createClient({ baseUrl: service.http.url, token, retry })],
  ['gRPC', (token: string): Client => createGrpcClient({ address: `127.0.0.1:${service.grpc.port}`, token, retry })],
])('a client over %s', (transport, make) => {
  let client: Client;
  beforeEach(() => {
    client = make('writer-token');
    return () => client.close();
  });

  it('calls operations by name and gets what the schema says', async () => {
    const task = await client.createTask({ name: 'api', step, tags: { a: '' } });
    expect(task).toEqual({
      ...taskNamed('api'),
      step: { ...taskNamed('api').step, ...step, imageNames: [] },
      tags: { a: '' },
      trigger: task.trigger,
    });
    expect(await client.getTask({ name: 'api' })).toEqual(task);
    expect((await client.listTasks()).tasks).toHaveLength(2);
  });

  it('remembers the position of its own write and asks for it in what follows', async () => {
    await client.createTask({ name: 'api', step });
    expect(client.position).toBe(41);
    service.positions.reached = 40;
    await expect(client.getTask({ name: 'api' })).rejects.toMatchObject({ code: 'PROJECTION_BEHIND' });
    const reading = client.getTask({ name: 'api' });
    service.positions.reached = 41;
    expect((await reading).name).toBe('api');
  });

  it('tells null from absent, and empty from both', async () => {
    await client.updateTask({ name: 'web', step: { target: null, imageNames: [] }, tags: {} });
    expect(service.tasks.seen).toEqual([{ name: 'web', step: { target: null, imageNames: [] }, tags: {} }]);
  });

  it('passes numbers and truth values of queries as what they are', async () => {
    await client.listDependants({ task: 'web', transitive: true, pageSize: 3 });
    expect(service.tasks.seen).toEqual([{ task: 'web', transitive: true, pageSize: 3 }]);
  });

  it('throws the error that the service answered, with its fields', async () => {
    await expect(client.getTask({ name: 'nope' })).rejects.toThrow(PlinthError);
    await expect(client.getTask({ name: 'nope' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no task "nope".',
    });
    const wrong = client.updateTask({ name: 'web', timeout: 1, step: { arguments: [{ name: '' }] } });
    await expect(wrong).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'timeout' }, { field: 'step.arguments[0].name' }],
    });
    await expect(client.updateTask({ name: 'web' }, { ifMatch: '9' })).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
    await expect(client.resetTask({ name: 'web' })).rejects.toMatchObject({ code: 'INTERNAL' });
    const reader = make('reader-token');
    await expect(reader.deleteTask({ name: 'web' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    reader.close();
    const nobody = make('nobody');
    await expect(nobody.getTask({ name: 'web' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    nobody.close();
  });

  it('is answered once for one idempotency key', async () => {
    const key = { idempotencyKey: `key-${transport}` };
    const first = await client.createTask({ name: 'once', step }, key);
    expect(await client.createTask({ name: 'once', step }, key)).toEqual(first);
    await expect(client.createTask({ name: 'twice', step }, key)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('reads streams to their end, from where it is told', async () => {
    const lines = await collect(client.getRunLogs({ run: 'run-5', after: 2 }));
    expect(lines.map(({ offset }) => offset)).toEqual([3, 4]);
    await expect(collect(client.getRunLogs({ run: 'nope' }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(collect(client.getRunLogs({ run: 'broken' }))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('may leave a stream at any time, and the handler hears of it', async () => {
    const gone = new Promise<void>((resolve) => (service.runs.onGone = resolve));
    for await (const line of client.getRunLogs({ run: 'endless' })) if (line.offset === 3) break;
    await gone;
  });

  it('uploads bytes, up to the limit', async () => {
    const answer = await client.uploadContext({}, Buffer.alloc(4096, 'a'), { contentType: 'application/gzip' });
    expect(answer.bytes).toBe(4096);
    const large = client.uploadContext({}, Buffer.alloc(4097), { contentType: 'application/gzip' });
    await expect(large).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });

  it('goes on with a stream after the last item when the service was replaced', async () => {
    const first = await startTestService();
    const http = { PLINTH_HTTP_PORT: String(first.http.port), PLINTH_GRPC_PORT: String(first.grpc.port) };
    const other =
      transport === 'HTTP'
        ? createClient({ baseUrl: first.http.url, token: 'reader-token', retry: { firstDelayMs: 10 } })
        : createGrpcClient({
            address: `127.0.0.1:${first.grpc.port}`,
            token: 'reader-token',
            retry: { firstDelayMs: 10, attempts: 50 },
          });
    const offsets: number[] = [];
    let second: TestService | undefined;
    for await (const line of other.getRunLogs({ run: 'endless' })) {
      offsets.push(line.offset);
      if (offsets.length === 3) {
        await first.close();
        second = await startTestService({ environment: http });
      }
      // What was on its way when the first one stopped is read before the second one is asked.
      if (second && offsets.length > 60) break;
    }
    expect(offsets).toEqual(offsets.map((_offset, index) => index));
    other.close();
    await second?.close();
  });
});

describe('a service that cannot be reached', () => {
  it('is tried again for reads, never for writes', async () => {
    let tries = 0;
    const failing: typeof fetch = () => {
      tries++;
      return Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }));
    };
    const client = createClient({
      baseUrl: 'http://127.0.0.1:1',
      fetch: failing,
      retry: { attempts: 3, firstDelayMs: 1 },
    });
    await expect(client.getTask({ name: 'a' })).rejects.toThrow('Is Plinth running there?');
    expect(tries).toBe(3);
    await expect(client.deleteTask({ name: 'a' })).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
    expect(tries).toBe(4);
  });

  it('or where something else answers, gives an error that shows what it said', async () => {
    const server = createServer((_request, response) => response.writeHead(502).end('<html>Bad Gateway</html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    await expect(client.getTask({ name: 'a' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('Bad Gateway'),
    });
    server.closeAllConnections();
    server.close();
  });
});
