import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { RegistryClient, type RegistryClientOptions } from './client.js';
import type { Clock } from './clock.js';
import type { HostConfig } from './hosts.js';
import { mediaTypes } from './media-types.js';
import { digestOf, parseReference, withDigest, type Digest } from './reference.js';
import { makeImage, makeIndex } from './testing/images.js';
import { reply, type Script, type ScriptedRegistry, startScriptedRegistry } from './testing/scripted-registry.js';

const index = makeIndex(['amd64'], 'scripted').index;
const served = { 'content-type': index.mediaType, 'docker-content-digest': index.digest };
const ping = '/v2/';

/** Time that passes only by sleeping, and remembers how long. */
class SleepingClock implements Clock {
  readonly slept: number[] = [];
  private time = Date.parse('2026-01-01T00:00:00Z');
  now = () => this.time;
  sleep = (ms: number) => {
    this.slept.push(ms);
    this.time += ms;
    return Promise.resolve();
  };
  pass = (ms: number) => (this.time += ms);
}

async function scripted(
  script: Script,
  config: Partial<HostConfig> = {},
  options: Partial<RegistryClientOptions> = {},
) {
  const registry = await startScriptedRegistry(script);
  const clock = new SleepingClock();
  const host: HostConfig = { registry: registry.host, scheme: 'http', ...config };
  const client = new RegistryClient({ hosts: [host], clock, ...options });
  const ref = parseReference(`${registry.host}/app:1`);
  const close = async () => {
    await client.close();
    await registry[Symbol.asyncDispose]();
  };
  return { registry, clock, client, ref, [Symbol.asyncDispose]: close };
}

const count = (registry: ScriptedRegistry, method: string) =>
  registry.requests.filter((request) => request.method === method).length;

describe('rate limits', () => {
  it('waits as many seconds as Retry-After says, then goes on', async () => {
    await using at = await scripted((_, response, nth) =>
      nth === 1 ? reply(response, 429, { 'retry-after': '3' }) : reply(response, 200, served, index.bytes),
    );
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
    expect(at.clock.slept).toEqual([3000]);
  });

  it('waits until the date that Retry-After says', async () => {
    await using at = await scripted((_, response, nth) =>
      nth === 1
        ? reply(response, 503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:07 GMT' })
        : reply(response, 200, served, index.bytes),
    );
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
    expect(at.clock.slept).toEqual([7000]);
  });

  it("leaves a long wait to the caller, with its length and the registry's words", async () => {
    await using at = await scripted((_, response) =>
      reply(response, 429, { 'retry-after': '3600' }, '{"errors":[{"code":"TOOMANYREQUESTS","message":"pull limit"}]}'),
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      status: 429,
      retryAfterMs: 3_600_000,
      message: expect.stringContaining('pull limit') as string,
    });
    expect(at.clock.slept).toEqual([]);
  });

  it('does not ask again while the budget is empty', async () => {
    await using at = await scripted((_, response) =>
      reply(response, 429, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }),
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      rateLimit: { limit: 100, remaining: 0, windowSeconds: 21600 },
    });
    expect(count(at.registry, 'GET')).toBe(1);
  });

  it('gives up after three retries, each waiting longer', async () => {
    await using at = await scripted((_, response) => reply(response, 500));
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 500 });
    expect(count(at.registry, 'GET')).toBe(4);
    const [first = 0, second = 0, third = 0] = at.clock.slept;
    expect(at.clock.slept).toHaveLength(3);
    expect(first <= second && second <= third).toBe(true);
  });

  it('leaves repeating to a caller that says so', async () => {
    await using at = await scripted((_, response) => reply(response, 500));
    await expect(at.client.headManifest(at.ref, { retries: 0 })).rejects.toMatchObject({ status: 500 });
    await expect(at.client.resolve(at.ref, { retries: 1 })).rejects.toMatchObject({ status: 500 });
    expect([count(at.registry, 'HEAD'), count(at.registry, 'GET')]).toEqual([1, 2]);
  });

  it('tells the budget that the registry reports', async () => {
    await using at = await scripted((_, response) => {
      response.writeHead(200, { ...served, 'content-length': index.bytes.length, 'ratelimit-remaining': '76;w=21600' });
      response.end();
    });
    expect((await at.client.headManifest(at.ref))?.rateLimit).toEqual({ remaining: 76, windowSeconds: 21600 });
  });
});

describe('the HEAD ladder', () => {
  const truth = { digest: index.digest, mediaType: index.mediaType, size: index.bytes.length };

  it.each([
    ['leaves out the digest', 200, { 'content-type': index.mediaType, 'content-length': '7' }],
    ['leaves out the type', 200, { 'docker-content-digest': index.digest, 'content-length': '7' }],
    ['answers with a page for people', 200, { ...served, 'content-type': 'text/html', 'content-length': '7' }],
    ['sends nonsense for a digest', 200, { ...served, 'docker-content-digest': 'latest', 'content-length': '7' }],
    ['knows no HEAD', 405, {}],
    ['finds HEAD bad', 400, {}],
    ['finds nothing by HEAD', 404, {}],
  ])('hashes the bytes of a GET when the registry %s', async (_, status, headers) => {
    await using at = await scripted((request, response) => {
      if (request.method === 'GET') return reply(response, 200, served, index.bytes);
      response.writeHead(status, headers as Record<string, string>);
      response.end();
    });
    expect(await at.client.headManifest(at.ref)).toEqual(truth);
    expect(at.registry.log).toEqual(['HEAD /v2/app/manifests/1', 'GET /v2/app/manifests/1']);
  });

  it('always sends the whole Accept list', async () => {
    await using at = await scripted((_, response) => reply(response, 200, served, index.bytes));
    await at.client.headManifest(at.ref);
    for (const type of [
      mediaTypes.ociIndex,
      mediaTypes.ociManifest,
      mediaTypes.dockerList,
      mediaTypes.dockerManifest,
    ]) {
      expect(at.registry.requests[0]?.headers.accept).toContain(type);
    }
  });

  it('probes again and again over the same connections', async () => {
    await using at = await scripted((_, response) => {
      response.writeHead(200, { ...served, 'content-length': index.bytes.length });
      response.end();
    });
    for (let probe = 0; probe < 20; probe++) await at.client.headManifest(at.ref);
    // The pool may open a second one before it sees that the first is free.
    expect(at.registry.connections).toBeLessThanOrEqual(2);
  });

  it('gets over a registry that sends a body with its answer to HEAD', async () => {
    await using at = await scripted((request, response) => {
      if (request.method === 'GET') return reply(response, 200, served, index.bytes);
      const head = `HTTP/1.1 200 OK\r\ncontent-type: ${index.mediaType}\r\ndocker-content-digest: ${index.digest}\r\n`;
      response.socket?.write(`${head}content-length: ${index.bytes.length}\r\n\r\n${index.bytes.toString()}`);
    });
    for (let probe = 0; probe < 5; probe++) expect(await at.client.headManifest(at.ref)).toEqual(truth);
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
  });

  it('reads the reason of a 403 by GET', async () => {
    await using at = await scripted((request, response) =>
      reply(
        response,
        403,
        {},
        request.method === 'GET' ? '{"errors":[{"code":"DENIED","message":"blocked by scan"}]}' : '',
      ),
    );
    await expect(at.client.headManifest(at.ref)).rejects.toMatchObject({
      code: 'DENIED',
      message: expect.stringContaining('blocked by scan') as string,
    });
  });

  it('never believes a digest that is not that of the bytes', async () => {
    const other = `sha256:${'0'.repeat(64)}` as Digest;
    await using at = await scripted((_, response) =>
      reply(response, 200, { ...served, 'docker-content-digest': other }, index.bytes),
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
    await expect(at.client.getManifest(withDigest(at.ref, other))).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
  });

  it('goes by the bytes alone where HEAD is configured off', async () => {
    const lie = { ...served, 'docker-content-digest': `sha256:${'0'.repeat(64)}` };
    await using at = await scripted((_, response) => reply(response, 200, lie, index.bytes), { disableHead: true });
    expect(await at.client.headManifest(at.ref)).toEqual(truth);
    expect(at.registry.log).toEqual(['GET /v2/app/manifests/1']);
  });
});

describe('bodies', () => {
  it('refuses a manifest of more than 4 MiB, whatever its Content-Length', async () => {
    await using at = await scripted((_, response) => {
      response.writeHead(200, served);
      response.end(Buffer.alloc(4 * 1024 * 1024 + 1, ' '));
    });
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  it('asks again when the answer breaks off', async () => {
    await using at = await scripted((_, response, nth) => {
      if (nth > 1) return reply(response, 200, served, index.bytes);
      response.writeHead(200, { ...served, 'content-length': index.bytes.length });
      response.write(index.bytes.subarray(0, 10), () => response.destroy());
    });
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
  });

  it('gives up on a body that falls silent', async () => {
    await using at = await scripted(
      (_, response) => {
        response.writeHead(200, { ...served, 'content-length': index.bytes.length });
        response.write(index.bytes.subarray(0, 10));
      },
      {},
      { fetchTimeouts: { bodyMs: 100 } },
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('gives up on a body that trickles', async () => {
    await using at = await scripted(
      (_, response) => {
        response.writeHead(200, { ...served, 'content-length': 1000 });
        const timer = setInterval(() => response.write(' '), 20);
        response.once('close', () => clearInterval(timer));
      },
      {},
      { fetchTimeouts: { totalMs: 300 } },
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('gives up on a registry that does not answer', async () => {
    await using at = await scripted(() => undefined, {}, { fetchTimeouts: { headersMs: 100 } });
    await expect(at.client.headManifest(at.ref)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it("bounds a PUT with all its retries by the caller's time-out", async () => {
    await using at = await scripted(() => undefined);
    await expect(at.client.putManifest(at.ref, index.mediaType, index.bytes, { timeoutMs: 100 })).rejects.toMatchObject(
      { code: 'TIMEOUT', message: expect.stringContaining('100 ms') as string },
    );
  });

  it('fails a blob stream at its end when the bytes are others', async () => {
    await using at = await scripted((_, response) => reply(response, 200, {}, 'not it'));
    const { stream } = await at.client.getBlob(at.ref, digestOf(Buffer.from('it')));
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
    await expect(at.client.getBlobBytes(at.ref, digestOf(Buffer.from('it')), 100)).rejects.toMatchObject({
      code: 'INVALID_RESPONSE',
    });
  });

  it('refuses schema 1 and pages for people, saying so', async () => {
    await using at = await scripted((request, response) =>
      request.path.includes('old')
        ? reply(response, 200, { 'content-type': mediaTypes.dockerSchema1Signed }, '{"schemaVersion":1}')
        : reply(response, 200, { 'content-type': 'text/html' }, '<h1>Log in</h1>'),
    );
    await expect(at.client.resolve({ ...at.ref, tag: 'old' })).rejects.toMatchObject({ code: 'UNSUPPORTED_MANIFEST' });
    await expect(at.client.resolve(at.ref)).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
  });
});

describe('logins', () => {
  const login = { credentials: () => Promise.resolve({ username: 'ann', password: 'open sesame' }) };

  it('a registry that always answers 401 is asked twice, not for ever', async () => {
    await using at = await scripted(
      (_, response) => reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
      login,
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(at.registry.log).toHaveLength(2);
  });

  it('a registry that refuses every token is not asked for ever', async () => {
    await using at = await scripted((request, response) =>
      request.path.startsWith('/token')
        ? reply(response, 200, {}, '{"token":"abcdef"}')
        : reply(response, 401, {
            'www-authenticate': `Bearer realm="http://${request.headers.host}/token",scope="repository:app:pull"`,
          }),
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(at.registry.log.length).toBeLessThanOrEqual(4);
  });

  it('a token is renewed before it expires, and one refused early is replaced', async () => {
    let issued = 0;
    let accepted = 'token-1';
    await using at = await scripted((request, response) => {
      if (request.path.startsWith('/token')) {
        return reply(response, 200, {}, JSON.stringify({ access_token: `token-${++issued}`, expires_in: 300 }));
      }
      if (request.headers.authorization === `Bearer ${accepted}`) return reply(response, 200, served, index.bytes);
      reply(response, 401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token",service="s"` });
    });
    await at.client.getManifest(at.ref);
    await at.client.getManifest(at.ref);
    expect(issued).toBe(1);
    accepted = 'token-2';
    await at.client.getManifest(at.ref);
    expect(issued).toBe(2);
    at.clock.pass(271_000);
    accepted = 'token-3';
    const before = at.registry.log.length;
    await at.client.getManifest(at.ref);
    expect(at.registry.log.slice(before)).toHaveLength(2); // token, then manifest: no 401 in between
  });

  it('insufficient_scope is answered with a token for the scope that it names, asked for first', async () => {
    await using at = await scripted((request, response) => {
      if (request.path.startsWith('/token')) {
        const [first] = new URL(request.path, 'http://x').searchParams.getAll('scope');
        return reply(response, 200, {}, JSON.stringify({ token: first?.replaceAll(/\W/g, '_') }));
      }
      if (request.headers.authorization === 'Bearer repository_remote_app_pull') {
        return reply(response, 200, served, index.bytes);
      }
      const realm = `Bearer realm="http://${request.headers.host}/token",service="s"`;
      if (!request.headers.authorization) return reply(response, 401, { 'www-authenticate': realm });
      const more = `${realm},scope="repository:remote/app:pull",error="insufficient_scope"`;
      reply(response, 403, { 'www-authenticate': more });
    });
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
  });

  it('a 401 without a challenge is answered by the challenge of /v2/', async () => {
    await using at = await scripted((request, response) => {
      if (request.headers.authorization) return reply(response, 200, served, index.bytes);
      reply(response, 401, request.path === ping ? { 'www-authenticate': 'Basic realm="x"' } : {});
    }, login);
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
  });

  it('an identity token falls back to GET where the OAuth2 form is unknown', async () => {
    await using at = await scripted(
      (request, response) => {
        if (request.path.startsWith('/token')) {
          return request.method === 'POST' ? reply(response, 404) : reply(response, 200, {}, '{"token":"good"}');
        }
        if (request.headers.authorization === 'Bearer good') return reply(response, 200, served, index.bytes);
        reply(response, 401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` });
      },
      { credentials: () => Promise.resolve({ identityToken: 'an identity' }) },
    );
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
  });
});

describe('attackers', () => {
  const login = { credentials: () => Promise.resolve({ username: 'ann', password: 'open sesame' }) };
  const attacker = () => startScriptedRegistry((_, response) => reply(response, 200, {}, '{"token":"x"}'), '127.0.0.2');

  it('a token server in a forbidden address gets no request', async () => {
    await using evil = await attacker();
    await using at = await scripted(
      (_, response) => reply(response, 401, { 'www-authenticate': `Bearer realm="http://${evil.host}/token"` }),
      login,
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'FORBIDDEN_ADDRESS' });
    expect(evil.log).toEqual([]);
  });

  it('a name that resolves to a forbidden address does not help', async () => {
    await using evil = await startScriptedRegistry((_, response) => reply(response, 200, {}, '{"token":"x"}'));
    const realm = `http://localhost:${evil.host.split(':')[1]}/token`;
    await using at = await scripted(
      (_, response) => reply(response, 401, { 'www-authenticate': `Bearer realm="${realm}"` }),
      login,
    );
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'FORBIDDEN_ADDRESS' });
    expect(evil.log).toEqual([]);
  });

  it('a token server in a configured network is used', async () => {
    await using friend = await attacker();
    await using at = await scripted(
      (request, response) => {
        if (request.headers.authorization === 'Bearer x') return reply(response, 200, served, index.bytes);
        reply(response, 401, { 'www-authenticate': `Bearer realm="http://${friend.host}/token"` });
      },
      { ...login, addressPolicy: ['127.0.0.2/32'] },
    );
    expect((await at.client.getManifest(at.ref)).digest).toBe(index.digest);
    expect(friend.requests[0]?.headers.authorization).toMatch(/^Basic /);
  });

  it('a redirect into a forbidden address is not followed', async () => {
    await using evil = await attacker();
    await using at = await scripted((_, response) => reply(response, 307, { location: `http://${evil.host}/blob` }));
    await expect(at.client.getBlobBytes(at.ref, index.digest, 100)).rejects.toMatchObject({
      code: 'FORBIDDEN_ADDRESS',
    });
    expect(evil.log).toEqual([]);
  });

  it('a redirect to another host is followed without the login', async () => {
    await using storage = await startScriptedRegistry((_, response) => reply(response, 200, {}, 'it'), '127.0.0.2');
    await using at = await scripted(
      (request, response) =>
        request.headers.authorization
          ? reply(response, 307, { location: `http://${storage.host}/blob?signature=abc` })
          : reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
      { ...login, addressPolicy: ['127.0.0.2'] },
    );
    const bytes = await at.client.getBlobBytes(at.ref, digestOf(Buffer.from('it')), 100);
    expect(Buffer.from(bytes).toString()).toBe('it');
    expect(storage.requests).toHaveLength(1);
    expect(storage.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('a challenge by the host of a redirect gets no login', async () => {
    const challenge = { 'www-authenticate': 'Basic realm="x"' };
    await using storage = await startScriptedRegistry((_, response) => reply(response, 401, challenge), '127.0.0.2');
    await using at = await scripted(
      (_, response) => reply(response, 307, { location: `http://${storage.host}/blob` }),
      {
        ...login,
        addressPolicy: ['127.0.0.2'],
      },
    );
    await expect(at.client.getBlobBytes(at.ref, index.digest, 100)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(storage.requests).toHaveLength(1);
  });

  it('redirects without end are ended', async () => {
    await using at = await scripted((_, response) => reply(response, 302, { location: '/v2/app/manifests/1' }));
    await expect(at.client.getManifest(at.ref)).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
    expect(at.registry.log).toHaveLength(11);
  });

  it('a registry that nobody configured is not talked to in a private network', async () => {
    await using evil = await startScriptedRegistry((_, response) => reply(response, 200));
    const client = new RegistryClient({ hosts: [] });
    await expect(client.headManifest(parseReference(`${evil.host}/app:1`))).rejects.toMatchObject({
      code: 'FORBIDDEN_ADDRESS',
    });
    await expect(
      client.headManifest(parseReference(`localhost:${evil.host.split(':')[1]}/app:1`)),
    ).rejects.toMatchObject({
      code: 'FORBIDDEN_ADDRESS',
    });
    expect(evil.log).toEqual([]);
    await client.close();
  });

  it('the next page of a list cannot be at another host', async () => {
    await using evil = await attacker();
    await using at = await scripted((_, response) =>
      reply(response, 200, { link: `<http://${evil.host}/v2/app/tags/list?last=a>; rel="next"` }, '{"tags":["a"]}'),
    );
    await expect(at.client.listTags(at.ref)).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
    expect(evil.log).toEqual([]);
  });
});

describe('lists', () => {
  it('follows relative links, tolerates null and digests among the tags', async () => {
    const bodies = ['{"tags":["a","b"]}', '{"tags":null}', `{"tags":["sha256:${'0'.repeat(64)}","c"]}`];
    await using at = await scripted((request, response) => {
      const page = Number(new URL(request.path, 'http://x').searchParams.get('page') ?? 0);
      const link = page < 2 ? { link: `</v2/app/tags/list?page=${page + 1}>; rel="next"` } : {};
      reply(response, 200, link as Record<string, string>, bodies[page]);
    });
    expect(await at.client.listTags(at.ref)).toEqual(['a', 'b', 'c']);
  });

  it('ends a list that goes in circles', async () => {
    const link = { link: '</v2/app/tags/list?page=1>; rel="next"' };
    await using at = await scripted((_, response) => reply(response, 200, link, '{"tags":[]}'));
    await expect(at.client.listTags(at.ref)).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
  });

  it('takes referrers from the API where there is one, and filters what the registry did not', async () => {
    const artifact = { ...makeImage('amd64', 'x').manifest };
    const entry = (artifactType: string) => ({
      mediaType: mediaTypes.ociManifest,
      digest: artifact.digest,
      size: 1,
      artifactType,
    });
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [entry('a/b'), entry('c/d')],
    });
    await using at = await scripted((_, response) =>
      reply(response, 200, { 'content-type': mediaTypes.ociIndex }, body),
    );
    expect(await at.client.referrers(at.ref, index.digest, 'a/b')).toEqual([entry('a/b')]);
  });
});

describe('pushing', () => {
  it("keeps the state in an upload session's relative Location", async () => {
    await using at = await scripted((request, response) =>
      request.method === 'POST'
        ? reply(response, 202, { location: '/v2/app/blobs/uploads/1?_state=a%2Bb' })
        : reply(response, 201),
    );
    await at.client.uploadBlob(at.ref, { digest: digestOf(Buffer.from('x')), size: 1 }, () => Buffer.from('x'));
    const encoded = encodeURIComponent(digestOf(Buffer.from('x')));
    expect(at.registry.log[1]).toBe(`PUT /v2/app/blobs/uploads/1?_state=a%2Bb&digest=${encoded}`);
    expect(at.registry.requests[1]?.body).toBe('x');
  });

  it('begins a fresh session after a failure', async () => {
    let sessions = 0;
    await using at = await scripted((request, response) => {
      if (request.method === 'POST') return reply(response, 202, { location: `/v2/app/blobs/uploads/${++sessions}` });
      reply(response, request.path.includes('/1?') ? 502 : 201);
    });
    await at.client.uploadBlob(at.ref, { digest: digestOf(Buffer.from('x')), size: 1 }, () => Buffer.from('x'));
    expect(sessions).toBe(2);
  });

  it.each([
    ['bytes', (bytes: Buffer) => bytes],
    ['a stream', (bytes: Buffer) => Readable.from([bytes.subarray(0, 4), bytes.subarray(4)])],
  ])('goes on with what a session has, when the registry says how much: %s', async (_name, sourceOf) => {
    const bytes = Buffer.from('0123456789');
    await using at = await scripted((request, response, nth) => {
      if (request.method === 'POST') return reply(response, 202, { location: '/v2/app/blobs/uploads/1?_state=a' });
      if (request.method === 'GET')
        return reply(response, 204, { location: '/v2/app/blobs/uploads/1?_state=b', range: '0-5' });
      reply(response, nth === 1 && request.path.includes('_state=a') ? 502 : 201);
    });
    await at.client.uploadBlob(at.ref, { digest: digestOf(bytes), size: 10 }, () => sourceOf(bytes));
    const encoded = encodeURIComponent(digestOf(bytes));
    expect(at.registry.log).toEqual([
      'POST /v2/app/blobs/uploads/',
      `PUT /v2/app/blobs/uploads/1?_state=a&digest=${encoded}`,
      'GET /v2/app/blobs/uploads/1?_state=a',
      `PUT /v2/app/blobs/uploads/1?_state=b&digest=${encoded}`,
    ]);
    expect(at.registry.requests[3]).toMatchObject({
      body: '6789',
      headers: { 'content-range': '6-9', 'content-length': '4' },
    });
  });

  it.each([
    ['0-0', 204],
    ['0-99', 204],
    ['nonsense', 204],
    ['0-5', 404],
    ['0-5', 416],
  ])('begins anew when a session says of itself %s, with %d', async (range, status) => {
    let sessions = 0;
    await using at = await scripted((request, response) => {
      if (request.method === 'POST') return reply(response, 202, { location: `/v2/app/blobs/uploads/${++sessions}` });
      if (request.method === 'GET') return reply(response, status, { range });
      reply(response, request.path.includes('/1?') ? 502 : 201);
    });
    const bytes = Buffer.from('0123456789');
    await at.client.uploadBlob(at.ref, { digest: digestOf(bytes), size: 10 }, () => bytes);
    expect(sessions).toBe(2);
    expect(at.registry.requests.at(-1)?.body).toBe('0123456789');
  });

  it.each([
    [400, 'TAG_INVALID', 'The image tag already exists and cannot be overwritten because the tag is immutable.'],
    [412, 'PRECONDITION', "Failed to process request due to 'app:1' configured as immutable."],
    [409, 'TAG_IMMUTABLE', 'tag is immutable'],
  ])('an immutable tag (%d %s) is TAG_IMMUTABLE', async (status, code, message) => {
    await using at = await scripted((_, response) =>
      reply(response, status, {}, JSON.stringify({ errors: [{ code, message }] })),
    );
    await expect(at.client.putManifest(at.ref, index.mediaType, index.bytes)).rejects.toMatchObject({
      code: 'TAG_IMMUTABLE',
    });
  });
});

describe('warnings', () => {
  it("tells a registry's warning once", async () => {
    const warnings: unknown[] = [];
    await using at = await scripted(
      (_, response) => reply(response, 200, { ...served, warning: '299 - "moves in \\"May\\""' }, index.bytes),
      {},
      { onWarning: (warning) => warnings.push(warning) },
    );
    await at.client.getManifest(at.ref);
    await at.client.getManifest(at.ref);
    expect(warnings).toEqual([{ registry: at.registry.host, text: 'moves in "May"' }]);
  });
});

describe('ping', () => {
  it('says in words that nobody answers', async () => {
    const gone = await startScriptedRegistry(() => undefined);
    await gone[Symbol.asyncDispose]();
    const client = new RegistryClient({ hosts: [{ registry: gone.host, scheme: 'http' }], clock: new SleepingClock() });
    expect(await client.ping(gone.host)).toMatchObject({
      ok: false,
      reachable: false,
      code: 'UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    await client.close();
  });
});
