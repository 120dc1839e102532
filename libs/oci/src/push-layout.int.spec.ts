import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '#libs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RegistryClient } from './client.js';
import { readLayout } from './layout.js';
import { platformsOf } from './manifest.js';
import { pushLayout } from './push-layout.js';
import { parseReference, withDigest } from './reference.js';
import { makeIndex, pushImage, writeLayout } from './testing/images.js';
import { startRegistry, type TestRegistry } from './testing/registry.js';
import type { RequestRecord } from './calls.js';

describe('pushing an OCI layout', () => {
  let registry: TestRegistry;
  let client: RegistryClient;
  let records: RequestRecord[] = [];
  const made = makeIndex(['amd64', 'arm64'], 'layout');
  const reference = (name: string) => parseReference(`${registry.host}/${name}`);

  beforeAll(async () => {
    registry = await startRegistry();
    const hosts = [{ registry: registry.host, scheme: 'http' as const }];
    client = new RegistryClient({ hosts, onRequest: (record) => records.push(record) });
  });
  afterAll(async () => {
    await client?.close();
    await registry?.stop();
  });

  it('pushes everything by digest, leaves attestations behind and makes no tag', async () => {
    await using directory = await tempDir('layout');
    await writeLayout(directory.path, made);
    const target = reference('plain');
    const pushed = await pushLayout(client, directory.path, target);
    const snapshot = await client.resolve(withDigest(target, pushed.digest));
    expect(snapshot.platforms).toEqual(pushed.platforms);
    expect(Object.keys(pushed.platforms)).toEqual(['linux/amd64', 'linux/arm64']);
    const { manifest, size } = await client.getManifest(withDigest(target, pushed.digest));
    expect(manifest.kind === 'index' && manifest.manifests).toHaveLength(2);
    expect(size).toBe(pushed.size);
    // This registry knows only repositories that have had a tag.
    await expect(client.listTags(target)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('keeps the very digest when attestations are kept and nothing is added', async () => {
    await using directory = await tempDir('layout');
    await writeLayout(directory.path, made);
    const pushed = await pushLayout(client, directory.path, reference('kept'), { keepAttestations: true });
    expect(pushed.digest).toBe(made.index.digest);
  });

  it('adds annotations to images and index, and attestations follow the images they describe', async () => {
    await using directory = await tempDir('layout');
    await writeLayout(directory.path, made);
    const target = reference('annotated');
    const options = {
      keepAttestations: true,
      annotate: (_: unknown, platform: string | undefined) => ({ z: 'last', base: platform ?? 'index' }),
    };
    const pushed = await pushLayout(client, directory.path, target, options);
    const { manifest } = await client.getManifest(withDigest(target, pushed.digest));
    expect(manifest.annotations).toEqual({ base: 'index', z: 'last' });
    const amd64 = pushed.platforms['linux/amd64'];
    const image = await client.getManifest(withDigest(target, amd64 ?? made.index.digest));
    expect(image.manifest.annotations).toEqual({ base: 'linux/amd64', z: 'last' });
    if (manifest.kind !== 'index') throw new Error('not an index');
    expect(manifest.manifests.at(-1)?.annotations?.['vnd.docker.reference.digest']).toBe(amd64);
    expect(platformsOf(manifest)).toEqual(pushed.platforms);

    const again = await pushLayout(client, directory.path, reference('annotated-again'), options);
    expect(again).toEqual(pushed);
  });

  it('mounts what another repository has, and sends nothing that is there already', async () => {
    await using directory = await tempDir('layout');
    const other = makeIndex(['amd64'], 'mounted');
    await writeLayout(directory.path, other);
    for (const image of other.images) await pushImage(client, reference('base'), image);
    records = [];
    await pushLayout(client, directory.path, reference('app'), {
      mountFrom: [reference('nothing'), reference('base')],
    });
    expect(records.some(({ method, status }) => method === 'POST' && status === 201)).toBe(true);
    expect(records.filter(({ method }) => method === 'PUT')).toHaveLength(2); // the two manifests
    records = [];
    await pushLayout(client, directory.path, reference('app'));
    expect(records.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('never follows a link out of the layout', async () => {
    await using directory = await tempDir('layout');
    await writeLayout(directory.path, made);
    const layer = made.images[0]?.layer.digest.slice('sha256:'.length) ?? '';
    const file = join(directory.path, 'blobs/sha256', layer);
    await rm(file);
    await symlink('/etc/hostname', file);
    await expect(pushLayout(client, directory.path, reference('link'))).rejects.toMatchObject({
      code: 'INVALID_LAYOUT',
      message: expect.stringContaining('not a regular file') as string,
    });
  });

  it('says what is wrong with a directory that is no layout', async () => {
    await using directory = await tempDir('layout');
    await expect(readLayout(directory.path)).rejects.toMatchObject({
      message: expect.stringContaining('oci-layout is missing') as string,
    });
    await writeLayout(directory.path, made);
    await writeFile(join(directory.path, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
    await expect(pushLayout(client, directory.path, reference('none'))).rejects.toMatchObject({
      message: expect.stringContaining('expected one image, found 0') as string,
    });
  });
});
