import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { encodeInput, grpcDescriptor, operations } from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, taskNamed, type TestService } from '../fixture.js';
import { healthDefinition } from './health.js';

let service: TestService;
let channel: Client;
beforeAll(async () => {
  service = await startTestService();
  service.tasks.tasks.set('web', taskNamed('web'));
  channel = new Client(`127.0.0.1:${service.grpc.port}`, credentials.createInsecure());
});
afterAll(async () => {
  channel.close();
  await service.close();
});

interface Method {
  path: string;
  requestSerialize(value: object): Buffer;
  responseDeserialize(bytes: Buffer): Record<string, unknown>;
}
const definitions = fromJSON(grpcDescriptor() as never, { longs: Number }) as unknown as Record<
  string,
  Record<string, Method>
>;
const scheduler = definitions['plinth.v1.SchedulerService']!;

const unary = (method: Method, message: object, metadata: Record<string, string> = {}, deadline?: number) =>
  new Promise<Record<string, unknown>>((resolve, reject) => {
    const sent = new Metadata();
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
    channel.makeUnaryRequest(
      method.path,
      (value: object) => method.requestSerialize(value),
      (bytes) => method.responseDeserialize(bytes),
      message,
      sent,
      deadline === undefined ? {} : { deadline },
      (error: ServiceError | null, value) => (error ? reject(error) : resolve(value ?? {})),
    );
  });
const health = healthDefinition as unknown as Record<string, Method>;
const writer = { authorization: 'Bearer writer-token' };

describe('gRPC', () => {
  it('answers health, and says when the service is not ready', async () => {
    const check = (name: string) => unary(health['Check']!, { service: name });
    expect(await check('')).toEqual({ status: 1 });
    expect(await check('plinth.v1.SchedulerService')).toEqual({ status: 1 });
    await expect(check('nobody')).rejects.toMatchObject({ code: 5 });
    const leave = service.health.register('disk', () => 'The disk is full.');
    expect(await check('')).toEqual({ status: 2 });
    leave();
  });

  it('answers UNIMPLEMENTED for operations that are not served here', async () => {
    const message = encodeInput(operations.listTokens, {});
    await expect(unary(scheduler['ListTokens']!, message, writer)).rejects.toMatchObject({ code: 12 });
  });

  it('refuses values of enums that it does not know, instead of dropping them', async () => {
    const message = { ...encodeInput(operations.updateTask, { name: 'web' }), status: 77 };
    await expect(unary(scheduler['UpdateTask']!, message, writer)).rejects.toMatchObject({
      code: 3,
      details: expect.stringContaining('status'),
    });
  });

  it('refuses messages over 4 MiB', async () => {
    const message = encodeInput(operations.updateTask, { name: 'web', tags: { a: 'x'.repeat(5 * 1024 * 1024) } });
    await expect(unary(scheduler['UpdateTask']!, message, writer)).rejects.toMatchObject({ code: 8 });
  });

  const quietLog = (options: { deadline?: number }) => {
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer reader-token');
    const method = scheduler['GetRunLogs']!;
    const call = channel.makeServerStreamRequest(
      method.path,
      (value: object) => method.requestSerialize(value),
      (bytes) => method.responseDeserialize(bytes),
      encodeInput(operations.getRunLogs, { run: 'quiet' }),
      metadata,
      options,
    );
    call.resume();
    return { call, error: new Promise<ServiceError>((resolve) => call.on('error', resolve)) };
  };

  it('ends a stream when its deadline passes', async () => {
    expect((await quietLog({ deadline: Date.now() + 50 }).error).code).toBe(4);
  });

  it('tells the handler of a stream that the caller canceled it', async () => {
    const gone = new Promise<void>((resolve) => (service.runs.onGone = resolve));
    const { call, error } = quietLog({});
    // The metadata comes when the handler was asked for its first item.
    call.on('metadata', () => call.cancel());
    expect((await error).code).toBe(1);
    await gone;
  });
});
