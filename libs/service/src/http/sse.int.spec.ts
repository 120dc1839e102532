import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '../fixture.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ slowReaderMs: 100, heartbeatMs: 20 });
});
afterAll(() => service.close());

const open = (path: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(service.http.url + path, {
    headers: { authorization: 'Bearer reader-token', ...headers },
    ...(signal ? { signal } : {}),
  });

describe('streams as server-sent events', () => {
  it('carry the offset as id, how soon to come back, and say that they are over', async () => {
    const answer = await open('/v1/runs/run-2/logs');
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(answer.headers.get('cache-control')).toContain('no-transform');
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    expect(answer.headers.get('plinth-position')).toBe('7');
    const text = await answer.text();
    expect(text.split('\n\n').map((block) => block.split('\n')[0])).toEqual([
      'retry: 2000',
      'id: 0',
      'id: 1',
      'event: end',
      '',
    ]);
  });

  it('resume after Last-Event-ID', async () => {
    const text = await (await open('/v1/runs/run-4/logs', { 'last-event-id': '2' })).text();
    expect(text.match(/^id: .*$/gm)).toEqual(['id: 3']);
    expect((await open('/v1/runs/run-4/logs', { 'last-event-id': 'x' })).status).toBe(400);
  });

  it('that are refused answer with a status, like everything else', async () => {
    const answer = await open('/v1/runs/nope/logs');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('problem+json');
  });

  it('that break in the middle say why', async () => {
    const text = await (await open('/v1/runs/broken/logs')).text();
    expect(text).toContain('id: 1');
    expect(text).toMatch(/event: problem\ndata: \{.*"code":"UNAVAILABLE"/);
  });

  it('that are quiet are kept open with comments, and tell the handler when the reader leaves', async () => {
    const gone = new Promise<void>((resolve) => (service.runs.onGone = resolve));
    const leave = new AbortController();
    const answer = await open('/v1/runs/quiet/logs', {}, leave.signal);
    expect(answer.status).toBe(200);
    let text = '';
    const reading = (async () => {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        if (text.includes(': still here')) leave.abort();
      }
    })();
    await expect(reading).rejects.toThrow();
    await gone;
    expect(text).toContain('retry: 2000');
  });

  it('disconnect a reader that takes nothing, instead of keeping what it does not take', async () => {
    const gone = new Promise<void>((resolve) => (service.runs.onGone = resolve));
    const socket = connect(service.http.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    socket.write('GET /v1/runs/endless/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader-token\r\n\r\n');
    await gone;
    socket.destroy();
  });

  it('end without the end event when the service stops, so that the reader comes back', async () => {
    const other = await startTestService();
    const answer = await fetch(`${other.http.url}/v1/runs/quiet/logs`, {
      headers: { authorization: 'Bearer reader-token' },
    });
    const text = answer.text();
    await other.close();
    expect(await text).not.toContain('event: end');
    expect(other.health.stopping).toBe(true);
  });
});
