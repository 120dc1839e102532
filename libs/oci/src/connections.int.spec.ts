import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RegistryClient } from './client.js';
import { Mirrors } from './mirrors.js';
import { parseReference } from './reference.js';
import { makeCertificate, type TestCertificate } from './testing/certificate.js';
import { makeIndex } from './testing/images.js';
import { reply, startScriptedRegistry } from './testing/scripted-registry.js';

const { index } = makeIndex(['amd64'], 'connections');
const served = {
  'content-type': index.mediaType,
  'docker-content-digest': index.digest,
  'content-length': index.bytes.length,
};

/** A registry that speaks HTTP/2 as well as 1.1, and asks for a certificate when it has an authority for them. */
async function secureRegistry(server: TestCertificate, clients?: TestCertificate) {
  const seen: { version: string; subject: string | undefined }[] = [];
  const listening: Http2SecureServer = createSecureServer({
    key: server.keyPem,
    cert: server.cert,
    allowHTTP1: true,
    ...(clients && { requestCert: true, rejectUnauthorized: true, ca: clients.cert }),
  });
  listening.on('request', (request, response) => {
    const shown = (
      request.socket as { getPeerCertificate?: () => { subject?: { CN?: string } } }
    ).getPeerCertificate?.();
    seen.push({ version: request.httpVersion, subject: shown?.subject?.CN });
    response.writeHead(200, served);
    response.end(request.method === 'HEAD' ? '' : index.bytes);
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    host: `127.0.0.1:${(listening.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      listening.close();
      await once(listening, 'close');
    },
  };
}

describe('a mirror', () => {
  it('is what is read, under its own name and login; the registry itself only when that is asked for', async () => {
    const answer = (_: unknown, response: Parameters<typeof reply>[0]) => {
      response.writeHead(200, served);
      response.end();
    };
    await using mirror = await startScriptedRegistry(answer);
    await using upstream = await startScriptedRegistry(answer);
    const mirrors = new Mirrors([{ of: `${upstream.host}/library`, registry: mirror.host, path: 'cache' }]);
    const hosts = [mirror, upstream].map(({ host: registry }) => ({ registry, scheme: 'http' as const }));
    const client = new RegistryClient({ hosts, mirrors: (repository) => mirrors.at(repository) });
    const ref = parseReference(`${upstream.host}/library/node:22`);
    await client.headManifest(ref);
    expect([mirror.log, upstream.log]).toEqual([['HEAD /v2/cache/node/manifests/22'], []]);
    await client.headManifest(ref, { upstream: true });
    expect(upstream.log).toEqual(['HEAD /v2/library/node/manifests/22']);
    await mirror[Symbol.asyncDispose]();
    await expect(client.headManifest(ref, { retries: 0 })).rejects.toThrow(`${mirror.host}/cache/node:22`);
    expect(upstream.log).toHaveLength(1);
    await client.close();
  });
});

describe('connections', () => {
  it('are HTTP/2 where a registry offers it, for many requests at once', async () => {
    const certificate = makeCertificate();
    await using registry = await secureRegistry(certificate);
    const client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'https', ca: certificate.cert }] });
    const ref = parseReference(`${registry.host}/app:1`);
    const heads = await Promise.all(Array.from({ length: 20 }, () => client.headManifest(ref)));
    expect(heads.map((head) => head?.digest)).toEqual(Array.from({ length: 20 }, () => index.digest));
    await expect(client.getManifest(ref)).resolves.toMatchObject({ digest: index.digest });
    expect(new Set(registry.seen.map(({ version }) => version))).toEqual(new Set(['2.0']));
    await client.close();
  });

  it('show the certificate of the registry that wants one, and fail with its name where there is none', async () => {
    const [server, mine] = [makeCertificate(), makeCertificate()];
    await using registry = await secureRegistry(server, mine);
    const ref = parseReference(`${registry.host}/app:1`);
    const host = { registry: registry.host, scheme: 'https', ca: server.cert } as const;
    const known = new RegistryClient({ hosts: [{ ...host, clientCert: { cert: mine.cert, key: mine.keyPem } }] });
    await expect(known.headManifest(ref)).resolves.toMatchObject({ digest: index.digest });
    expect(registry.seen.at(-1)?.subject).toBe('plinth test');
    await known.close();
    const stranger = new RegistryClient({ hosts: [host], retries: 0 });
    const asked = registry.seen.length;
    await expect(stranger.headManifest(ref)).rejects.toThrow(registry.host);
    expect(registry.seen).toHaveLength(asked);
    await stranger.close();
  });

  it('that are half open are given up, and the request made again on a new one', async () => {
    const answer = `HTTP/1.1 200 OK\r\n${Object.entries(served)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`;
    let connections = 0;
    // The first connection answers once; then its other end is gone without a word, as behind a NAT that forgot it.
    const registry = createServer((socket) => {
      const isFirst = ++connections === 1;
      let answered = 0;
      socket.on('error', () => undefined);
      socket.on('data', () => {
        if (!isFirst || answered++ === 0) socket.write(answer);
      });
    });
    registry.listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
    const client = new RegistryClient({
      hosts: [{ registry: host, scheme: 'http' }],
      fetchTimeouts: { headersMs: 100 },
      clock: { now: Date.now, sleep: () => Promise.resolve() },
    });
    const ref = parseReference(`${host}/app:1`);
    await client.headManifest(ref);
    await expect(client.headManifest(ref)).resolves.toMatchObject({ digest: index.digest });
    expect(connections).toBe(2);
    await client.close();
    registry.close();
  });

  it('a 403 without a body is DENIED, with the name of what was asked for', async () => {
    await using registry = await startScriptedRegistry((_, response) => reply(response, 403));
    const client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http' }] });
    const ref = parseReference(`${registry.host}/team/app:1`);
    await expect(client.headManifest(ref)).rejects.toMatchObject({
      code: 'DENIED',
      status: 403,
      message: expect.stringContaining(`${registry.host}/team/app:1`) as string,
    });
    expect(registry.log).toEqual(['HEAD /v2/team/app/manifests/1', 'GET /v2/team/app/manifests/1']);
    await client.close();
  });
});
