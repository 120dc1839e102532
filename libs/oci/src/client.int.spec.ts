import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '#libs/testing';
import { RegistryClient } from './client.js';
import type { HostConfig } from './hosts.js';
import { parsePlatform } from './platform.js';
import { digestOf, parseReference, withDigest, type Digest } from './reference.js';
import { descriptorOf, makeImage, makeIndex, pushImage, pushIndex } from './testing/images.js';
import { startRegistry, testLogin, type TestRegistry } from './testing/registry.js';
import type { RequestRecord } from './calls.js';

const login = () => Promise.resolve(testLogin);

describe.each([
  { name: 'open to all', options: {}, host: {} },
  { name: 'with Basic logins', options: { auth: 'basic' }, host: { credentials: login } },
  { name: 'with a token server', options: { auth: 'token' }, host: { credentials: login } },
  { name: 'with TLS', options: { tls: true }, host: { scheme: 'https' } },
] as const)('a registry $name', ({ options, host }) => {
  let registry: TestRegistry;
  let client: RegistryClient;
  const records: RequestRecord[] = [];
  const reference = (text: string) => parseReference(`${registry.host}/${text}`);

  beforeAll(async () => {
    registry = await startRegistry(options);
    const config: HostConfig = { registry: registry.host, scheme: 'http', ca: registry.certificate?.cert, ...host };
    client = new RegistryClient({ hosts: [config], onRequest: (record) => records.push(record) });
  });
  afterAll(async () => {
    await client?.close();
    await registry?.stop();
  });

  it('resolves a pushed index to its digest per platform, without attestations', async () => {
    const made = makeIndex(['amd64', 'arm64'], 'resolve');
    const ref = reference('team/app:1');
    await pushIndex(client, ref, '1', made);
    const [amd64, arm64] = made.images;

    const head = await client.headManifest(ref);
    expect(head).toEqual({
      digest: made.index.digest,
      mediaType: made.index.mediaType,
      size: made.index.bytes.length,
    });
    expect(await client.resolve(ref)).toEqual({
      digest: made.index.digest,
      mediaType: made.index.mediaType,
      platforms: { 'linux/amd64': amd64?.manifest.digest, 'linux/arm64': arm64?.manifest.digest },
    });
    const { config, manifestDigest } = await client.getConfig(ref, parsePlatform('linux/arm64'));
    expect(config.architecture).toBe('arm64');
    expect(manifestDigest).toBe(arm64?.manifest.digest);
    await expect(client.getConfig(ref, parsePlatform('linux/s390x'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('linux/amd64, linux/arm64') as string,
    });
  });

  it('learns the platform of a plain manifest from its config', async () => {
    const image = makeImage('riscv64', 'plain');
    await pushImage(client, reference('plain'), image);
    const snapshot = await client.resolve(withDigest(reference('plain'), image.manifest.digest));
    expect(snapshot.platforms).toEqual({ 'linux/riscv64': image.manifest.digest });
  });

  it('says undefined for a tag that does not exist', async () => {
    expect(await client.headManifest(reference('team/nothing:1'))).toBeUndefined();
    await expect(client.getManifest(reference('team/nothing:1'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
      status: 404,
    });
  });

  it('uploads a blob from a stream, reads it back, and mounts it into another repository', async () => {
    const bytes = randomBytes(3 * 1024 * 1024);
    const digest = digestOf(bytes);
    const from = reference('blobs/from');
    const to = reference('blobs/to');
    expect(await client.hasBlob(from, digest)).toBe(false);
    await client.uploadBlob(from, { digest, size: bytes.length }, () =>
      Readable.from([bytes.subarray(0, 9), bytes.subarray(9)]),
    );
    expect(await client.hasBlob(from, digest)).toBe(true);
    expect(await client.mountBlob(to, digest, from)).toBe(true);
    const { stream, size } = await client.getBlob(to, digest);
    expect(size).toBe(bytes.length);
    expect(digestOf(await buffer(stream))).toBe(digest);
    await expect(client.getBlobBytes(to, digest, 1000)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  it('uploads a blob though the connection breaks in the middle', async () => {
    const proxy = await startProxy(Number(registry.host.split(':')[1]));
    const config: HostConfig = { registry: registry.host, scheme: 'http', ca: registry.certificate?.cert, ...host };
    const through = new RegistryClient({ hosts: [{ ...config, endpoint: `127.0.0.1:${proxy.port}` }] });
    const bytes = randomBytes(4 * 1024 * 1024);
    const digest = digestOf(bytes);
    let tries = 0;
    const source = () => {
      const isFirst = ++tries === 1;
      return Readable.from(
        (async function* () {
          await Promise.resolve();
          yield bytes.subarray(0, bytes.length / 2);
          if (isFirst) proxy.cut();
          yield bytes.subarray(bytes.length / 2);
        })(),
      );
    };
    await through.uploadBlob(reference('blobs/broken'), { digest, size: bytes.length }, source);
    expect(tries).toBe(2);
    const { stream } = await client.getBlob(reference('blobs/broken'), digest);
    expect(digestOf(await buffer(stream))).toBe(digest);
    await through.close();
    await proxy.close();
  });

  it('declines to mount what the other repository does not have', async () => {
    const digest = digestOf(randomBytes(8));
    expect(await client.mountBlob(reference('mount/to'), digest, reference('mount/from'))).toBe(false);
  });

  it("refuses bytes that are not what their digest says, in the registry's words", async () => {
    const digest = digestOf(Buffer.from('something else'));
    await expect(
      client.uploadBlob(reference('wrong'), { digest, size: 4 }, () => Buffer.from('true')),
    ).rejects.toMatchObject({ code: 'REJECTED', message: expect.stringContaining('DIGEST_INVALID') as string });
  });

  it("reports a source that cannot be read as such, not as the registry's failure", async () => {
    const broken = () =>
      Readable.from(
        (async function* () {
          await Promise.resolve();
          yield Buffer.from('half');
          throw new Error('disk on fire');
        })(),
      );
    await expect(
      client.uploadBlob(reference('broken'), { digest: digestOf(Buffer.from('x')), size: 100 }, broken),
    ).rejects.toMatchObject({
      code: 'UPLOAD_SOURCE_FAILED',
      message: expect.stringContaining('disk on fire') as string,
    });
  });

  it('lists tags and deletes manifests', async () => {
    const image = makeImage('amd64', 'tags');
    const ref = reference('tags');
    await pushImage(client, ref, image);
    for (const tag of ['a', 'b', 'c']) {
      await client.putManifest(reference(`tags:${tag}`), image.manifest.mediaType, image.manifest.bytes);
    }
    expect((await client.listTags(ref)).sort()).toEqual(['a', 'b', 'c']);
    expect(await client.deleteManifest(withDigest(ref, image.manifest.digest))).toBe(true);
    expect(await client.deleteManifest(withDigest(ref, image.manifest.digest))).toBe(false);
    expect(await client.listTags(ref)).toEqual([]);
    await expect(client.listTags(reference('tags/none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('keeps referrers in the tag-schema index, as this registry has no referrers API', async () => {
    const subject = makeImage('amd64', 'subject');
    const ref = reference('referred');
    await pushImage(client, ref, subject);
    const artifact = (artifactType: string, note: string) =>
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: subject.manifest.mediaType,
          artifactType,
          config: descriptorOf(subject.config),
          layers: [descriptorOf(subject.layer)],
          subject: descriptorOf(subject.manifest),
          annotations: { note },
        }),
      );
    expect(await client.referrers(ref, subject.manifest.digest)).toEqual([]);
    const sbom = artifact('application/spdx+json', 'one');
    const pushed = await client.pushReferrer(ref, subject.manifest.mediaType, sbom);
    await client.pushReferrer(ref, subject.manifest.mediaType, sbom);
    await client.pushReferrer(ref, subject.manifest.mediaType, artifact('application/in-toto', 'two'));
    expect(pushed.digest).toBe(digestOf(sbom));
    expect(await client.referrers(ref, subject.manifest.digest)).toHaveLength(2);
    expect(await client.referrers(ref, subject.manifest.digest, 'application/spdx+json')).toEqual([pushed]);
  });

  it('tests a registry and says so in words', async () => {
    expect(await client.ping(registry.host)).toMatchObject({ ok: true, reachable: true });
  });

  it('reports every request to the hook', () => {
    expect(records).toContainEqual(
      expect.objectContaining({ registry: registry.host, host: registry.host, method: 'HEAD', status: 200 }),
    );
  });

  it('stops at once when the signal is aborted', async () => {
    const reason = new Error('enough');
    await expect(client.resolve(reference('team/app:1'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('reads a pinned sha512 digest as such', async () => {
    const digest = `sha512:${createHash('sha512').update('x').digest('hex')}` as Digest;
    expect(await client.headManifest(withDigest(reference('team/app'), digest))).toBeUndefined();
  });
});

describe('logins', () => {
  it('a wrong password is UNAUTHORIZED, and no message has it', async () => {
    await using registry = await startRegistry({ auth: 'basic' });
    const credentials = () => Promise.resolve({ username: 'plinth', password: 'hunter22' });
    const client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http', credentials }] });
    const failure = client.resolve(parseReference(`${registry.host}/a:1`));
    await expect(failure).rejects.toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('hunter22') as string });
    expect(await client.ping(registry.host)).toMatchObject({ ok: false, reachable: true, code: 'UNAUTHORIZED' });
    await client.close();
  });

  it('a token server that echoes the password does not get it into our messages', async () => {
    await using registry = await startRegistry({ auth: 'token' });
    const credentials = () => Promise.resolve({ username: 'plinth', password: 'hunter22' });
    const client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http', credentials }] });
    await expect(client.resolve(parseReference(`${registry.host}/a:1`))).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('incorrect username or password for plinth:•••') as string,
    });
    await client.close();
  });

  it('anonymous readers get a token for pulling, and are denied pushing', async () => {
    await using registry = await startRegistry({ auth: 'token' });
    const client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http' }] });
    const ref = parseReference(`${registry.host}/a:1`);
    expect(await client.headManifest(ref)).toBeUndefined();
    await expect(
      client.uploadBlob(ref, { digest: digestOf(Buffer.from('x')), size: 1 }, () => Buffer.from('x')),
    ).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
    await client.close();
  });

  it('an identity token is exchanged by the OAuth2 form', async () => {
    await using registry = await startRegistry({ auth: 'token' });
    const credentials = () => Promise.resolve({ identityToken: 'identity' });
    const client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http', credentials }] });
    await pushImage(client, { registry: registry.host, repository: 'a' }, makeImage('amd64', 'identity'));
    expect(registry.tokenServer?.requests.every(({ method, user }) => method === 'POST' && user === 'plinth')).toBe(
      true,
    );
    await client.close();
  });

  it('one token serves many repositories, and is fetched once however many wait for it', async () => {
    await using registry = await startRegistry({ auth: 'token' });
    const client = new RegistryClient({ hosts: [{ registry: registry.host, scheme: 'http' }] });
    const names = Array.from({ length: 20 }, (_, at) => `many/repo${at}`);
    await client.authorize(registry.host, names);
    await Promise.all(names.map((name) => client.headManifest(parseReference(`${registry.host}/${name}:1`))));
    expect(registry.tokenServer?.requests).toHaveLength(1);
    const one = parseReference(`${registry.host}/one:1`);
    await Promise.all(Array.from({ length: 20 }, () => client.headManifest(one)));
    expect(registry.tokenServer?.requests).toHaveLength(2);
    await client.close();
  });
});
