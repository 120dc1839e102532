import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { hubPages } from './hub-page.js';

const { signal } = new AbortController();

describe('a page of tags at Docker Hub', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  const serve = async (answer: RequestListener) => {
    server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return hubPages(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  };

  it('is asked with the newest first, and holds names, digests and times', async () => {
    const asked: string[] = [];
    const read = await serve(({ url }, reply) => {
      asked.push(url!);
      const results = [
        { name: '22', digest: 'sha256:ab', last_updated: '2026-11-20T10:00:00.123456Z', images: [] },
        { name: 'old', last_updated: null },
      ];
      reply.end(JSON.stringify({ count: 2, next: 'https://elsewhere.test/', previous: null, results }));
    });
    expect(await read('library/node', 3, signal)).toEqual({
      isLast: false,
      tags: [
        { name: '22', digest: 'sha256:ab', updatedAt: Date.parse('2026-11-20T10:00:00.123Z') },
        { name: 'old', digest: null, updatedAt: 0 },
      ],
    });
    expect(asked).toEqual(['/v2/repositories/library/node/tags?page_size=100&page=3&ordering=last_updated']);
  });

  it.each<[string, RequestListener, string]>([
    ['is no JSON', (_request, reply) => reply.end('<html>'), 'the answer is no list of tags'],
    ['is another JSON', (_request, reply) => reply.end('{"results": [1]}'), 'the answer is no list of tags'],
    ['is an error', (_request, reply) => reply.writeHead(500).end('down'), 'status 500'],
    ['is far too large', (_request, reply) => reply.end(Buffer.alloc(9 * 1024 * 1024, ' ')), 'larger than'],
    ['leads elsewhere', (_request, reply) => reply.writeHead(302, { location: 'http://127.0.0.2/' }).end(), 'redirect'],
    ['is broken off', (request) => request.socket.destroy(), 'other side closed'],
  ])('fails when it %s', async (_title, answer, words) => {
    const read = await serve(answer);
    await expect(read('library/node', 1, signal)).rejects.toThrow(words);
  });

  it('says for how long nothing may be asked', async () => {
    const read = await serve((_request, reply) => reply.writeHead(429, { 'retry-after': '120' }).end());
    await expect(read('library/node', 1, signal)).rejects.toMatchObject({ limited: { retryAfterMs: 120_000 } });
  });
});
