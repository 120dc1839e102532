import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpSender } from './sender.js';

const servers: Server[] = [];
const serve = async (listener: RequestListener, host = '127.0.0.1'): Promise<string> => {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return `http://${host}:${(server.address() as AddressInfo).port}/hook`;
};
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
const post = async (url: string, allow: readonly string[] = ['127.0.0.0/8'], timeoutMs = 2000) => {
  const sender = new HttpSender({ allow, timeoutMs });
  try {
    return await sender.post(url, { 'webhook-id': 'x' }, '{}', new AbortController().signal);
  } finally {
    await sender.close();
  }
};

describe('a post to a webhook', () => {
  it('has succeeded with 2xx, and with nothing else', async () => {
    const url = await serve((request, response) => {
      const status = Number(
        request.headers['webhook-id'] === 'x' && new URL(request.url!, 'http://x').searchParams.get('s'),
      );
      response.writeHead(status, { location: '/elsewhere', 'retry-after': '30' }).end('words');
    });
    for (const status of [200, 202, 204]) {
      expect(await post(`${url}?s=${status}`)).toMatchObject({ ok: true, httpStatus: status, error: null });
    }
    for (const status of [400, 404, 410, 429, 500, 503]) {
      const answer = { ok: false, httpStatus: status, error: `it answered ${status}`, retryAfterMs: 30_000 };
      expect(await post(`${url}?s=${status}`)).toEqual(answer);
    }
  });

  it('follows no redirect', async () => {
    let followed = 0;
    const target = await serve((_request, response) => {
      followed += 1;
      response.end();
    });
    const url = await serve((_request, response) => response.writeHead(307, { location: target }).end());
    expect(await post(url)).toMatchObject({
      ok: false,
      httpStatus: 307,
      error: expect.stringContaining('not followed'),
    });
    expect(followed).toBe(0);
  });

  it('is over after its time, whether nothing is answered or an answer never ends', async () => {
    const silent = await serve(() => undefined);
    expect(await post(silent, undefined, 100)).toMatchObject({
      ok: false,
      httpStatus: null,
      error: 'no answer within 0.1 s',
    });
    const endless = await serve((_request, response) => void response.writeHead(200).write('…'));
    expect(await post(endless, undefined, 100)).toMatchObject({ ok: true, httpStatus: 200 });
  });

  it('says when nobody listens, when a host is not known, and when the connection breaks', async () => {
    const url = await serve((request) => request.socket.destroy());
    expect((await post(url)).error).toBe('it broke the connection off');
    expect((await post('http://127.0.0.1:9/')).error).toBe('nobody listens there');
    expect((await post('https://hooks.invalid/')).error).toMatch(/its host (is not known|cannot be looked up now)/);
  });

  it('goes to no private address unless the operator lists its network, whatever the URL looks like', async () => {
    let reached = 0;
    const url = await serve((_request, response) => {
      reached += 1;
      response.end();
    });
    const { port } = new URL(url);
    const hosts = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '0.0.0.0',
      '169.254.169.254',
      '10.0.0.1',
      '[fd00::1]',
      '[fe80::1]',
    ];
    for (const host of hosts) {
      for (const scheme of ['http', 'https']) {
        expect((await post(`${scheme}://${host}:${port}/`, [])).error, host).toContain('PLINTH_WEBHOOK_ALLOW');
      }
    }
    // A name is judged by the address that it has when it is connected to.
    expect((await post(`http://localhost:${port}/`, ['10.0.0.0/8'])).error).toContain('its address is not public');
    expect(reached).toBe(0);
    expect(await post(url, ['10.0.0.0/8', '127.0.0.0/8'])).toMatchObject({ ok: true });
  });

  it('goes over http to listed networks only, public addresses want https', () => {
    const sender = new HttpSender({ allow: ['127.0.0.0/8'] });
    expect(sender.problemOf('http://1.1.1.1/')).toContain('http:// goes to those only');
    expect(sender.problemOf('https://1.1.1.1/')).toBeUndefined();
    expect(sender.problemOf('http://127.0.0.1:8080/')).toBeUndefined();
    expect(sender.problemOf('https://me:secret@hooks.test/')).toContain('no user and no password');
    expect(sender.problemOf('ftp://hooks.test/')).toContain('https://');
    expect(() => new HttpSender({ allow: ['10.0.0.0/99'] })).toThrow(RangeError);
  });
});
