import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '#libs/oci';
import { tempDir, type TempDir } from '#libs/testing';
import { baseAnnotations } from './base-annotations.js';
import { prepareImage } from './image.js';

const index = 'application/vnd.oci.image.index.v1+json';
const manifest = 'application/vnd.oci.image.manifest.v1+json';
const config = 'application/vnd.oci.image.config.v1+json';

describe('preparing an image', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir('layout');
    await mkdir(join(dir.path, 'blobs/sha256'), { recursive: true });
  });
  afterEach(() => dir.remove());

  const blob = async (mediaType: string, value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    await writeFile(join(dir.path, 'blobs/sha256', digest.slice(7)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const image = async (architecture: string) => {
    const settings = await blob(config, { os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [] } });
    const own = await blob(manifest, { schemaVersion: 2, mediaType: manifest, config: settings, layers: [] });
    return { ...own, platform: { os: 'linux', architecture } };
  };

  it('annotates each image, and rewrites the index and the attestations that name it', async () => {
    const [amd, arm] = [await image('amd64'), await image('arm64')];
    const about = { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': amd.digest };
    const statement = await blob('application/vnd.in-toto+json', { about: 'amd64' });
    const empty = await blob(config, { os: 'unknown', architecture: 'unknown', rootfs: { type: 'layers' } });
    const attestation = {
      ...(await blob(manifest, { schemaVersion: 2, mediaType: manifest, config: empty, layers: [statement] })),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: about,
    };
    const root = await blob(index, { schemaVersion: 2, mediaType: index, manifests: [amd, arm, attestation] });

    const prepared = await prepareImage(dir.path, root, (platform): Record<string, string> =>
      platform === 'linux/amd64' ? { 'org.opencontainers.image.base.name': 'x' } : {},
    );
    expect(prepared.digest).not.toBe(root.digest);
    expect(Object.keys(prepared.platforms)).toEqual(['linux/amd64', 'linux/arm64']);
    expect(prepared.platforms['linux/amd64']).not.toBe(amd.digest);
    expect(prepared.platforms['linux/arm64']).toBe(arm.digest);
    const last = prepared.manifests.at(-1);
    expect(last?.digest).toBe(prepared.digest);
    const written = JSON.parse(Buffer.from(last?.bytes ?? []).toString()) as {
      manifests: { digest: string; size: number; annotations?: Record<string, string> }[];
    };
    expect(written.manifests.map((child) => child.digest)).toEqual([
      prepared.platforms['linux/amd64'],
      arm.digest,
      attestation.digest,
    ]);
    expect(written.manifests[2]?.annotations?.['vnd.docker.reference.digest']).toBe(prepared.platforms['linux/amd64']);
    for (const { digest, size } of written.manifests) {
      expect(prepared.manifests.find((one) => one.digest === digest)?.bytes.byteLength).toBe(size);
    }
    expect(prepared.blobs.map(({ digest }) => digest)).toContain(statement.digest);
  });

  it('leaves an image as it is when there is nothing to say', async () => {
    const only = await image('amd64');
    const prepared = await prepareImage(dir.path, only, () => ({}));
    expect(prepared).toMatchObject({ digest: only.digest, platforms: { 'linux/amd64': only.digest } });
  });

  it('says which base, without its tag being lost when the Dockerfile pins it', () => {
    const digest = digestOf(Buffer.from('base'));
    const reference = `docker.io/library/node:22@${digest}`;
    const input = { reference, role: 'base' as const, via: 'direct' as const, digest, platforms: {} };
    const annotations = baseAnnotations({ 'linux/amd64': reference, 'linux/arm64': 'scratch' }, [input]);
    expect(annotations('linux/amd64')).toEqual({
      'org.opencontainers.image.base.name': 'docker.io/library/node:22',
      'org.opencontainers.image.base.digest': digest,
    });
    expect(annotations('linux/arm64')).toEqual({});
  });
});
