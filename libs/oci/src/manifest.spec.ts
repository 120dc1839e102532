import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseImageConfig, platformOfConfig } from './image-config.js';
import { imageChildren, InvalidManifestError, parseManifest, platformsOf } from './manifest.js';
import { mediaTypes } from './media-types.js';
import { makeImage, makeIndex } from './testing/images.js';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const digest = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: mediaTypes.ociConfig, digest, size: 2 };

describe('parseManifest', () => {
  it('reads an index and leaves out attestations', () => {
    const { index, images } = makeIndex(['amd64', 'arm64'], 'x');
    const parsed = parseManifest(index.bytes, index.mediaType);
    if (parsed.kind !== 'index') throw new Error('not an index');
    expect(parsed.manifests).toHaveLength(3);
    expect(imageChildren(parsed)).toHaveLength(2);
    expect(platformsOf(parsed)).toEqual({
      'linux/amd64': images[0]?.manifest.digest,
      'linux/arm64': images[1]?.manifest.digest,
    });
  });

  it('takes the first child of a platform, as engines do, and normalizes variants', () => {
    const child = (letter: string, variant?: string) => ({
      mediaType: mediaTypes.ociManifest,
      digest: `sha256:${letter.repeat(64)}`,
      size: 1,
      platform: { os: 'linux', architecture: 'arm64', variant },
    });
    const manifests = [child('a', 'v8'), child('b'), child('c', 'v9')];
    const parsed = parseManifest(bytes({ schemaVersion: 2, mediaType: mediaTypes.dockerList, manifests }));
    expect(parsed.kind === 'index' && platformsOf(parsed)).toEqual({
      'linux/arm64': `sha256:${'a'.repeat(64)}`,
      'linux/arm64/v9': `sha256:${'c'.repeat(64)}`,
    });
  });

  it('tells Windows builds apart', () => {
    const child = (letter: string, version: string) => ({
      mediaType: mediaTypes.dockerManifest,
      digest: `sha256:${letter.repeat(64)}`,
      size: 1,
      platform: { os: 'windows', architecture: 'amd64', 'os.version': version },
    });
    const manifests = [child('a', '10.0.17763.1'), child('b', '10.0.20348.1')];
    const parsed = parseManifest(bytes({ schemaVersion: 2, mediaType: mediaTypes.dockerList, manifests }));
    expect(parsed.kind === 'index' && Object.keys(platformsOf(parsed))).toEqual([
      'windows(10.0.17763.1)/amd64',
      'windows(10.0.20348.1)/amd64',
    ]);
  });

  it('reads a manifest that does not name its own type, by how it was served', () => {
    const body = bytes({ schemaVersion: 2, config, layers: null, unknown: { field: 1 } });
    expect(parseManifest(body, mediaTypes.ociManifest)).toEqual({
      kind: 'image',
      mediaType: mediaTypes.ociManifest,
      config,
      layers: [],
    });
    expect(parseManifest(body).mediaType).toBe(mediaTypes.ociManifest);
  });

  it('reads an index that is still empty, as official images are when first published', () => {
    expect(parseManifest(bytes({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }))).toMatchObject({
      kind: 'index',
      manifests: [],
    });
  });

  it.each<[string, unknown, string | undefined, string]>([
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, undefined, 'schema 1'],
    ['schema 1 by its type', {}, mediaTypes.dockerSchema1Signed, 'schema 1'],
    [
      'another type than it was served as',
      { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] },
      mediaTypes.ociManifest,
      'was served as',
    ],
    [
      'both manifests and layers',
      { schemaVersion: 2, manifests: [], layers: [], config },
      mediaTypes.ociIndex,
      'two things',
    ],
    ['a strange type', { schemaVersion: 2, mediaType: 'text/plain' }, undefined, 'text/plain'],
    ['neither manifests nor config', { schemaVersion: 2 }, undefined, 'neither'],
    ['a list', [], undefined, 'not a JSON object'],
    [
      'a bad digest',
      { schemaVersion: 2, config: { ...config, digest: 'sha256:..' }, layers: [] },
      mediaTypes.ociManifest,
      'config.digest',
    ],
    [
      'a negative size',
      { schemaVersion: 2, config: { ...config, size: -1 }, layers: [] },
      mediaTypes.ociManifest,
      'config.size',
    ],
    ['another schema version', { schemaVersion: 3, config, layers: [] }, mediaTypes.ociManifest, 'schemaVersion'],
  ])('refuses %s and says why', (_, body, contentType, why) => {
    expect(() => parseManifest(bytes(body), contentType)).toThrow(why);
  });

  it('throws InvalidManifestError for whatever else comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json().map((text) => Buffer.from(text)),
          fc.uint8Array(),
        ),
        (body) => {
          try {
            parseManifest(body);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidManifestError);
          }
        },
      ),
    );
  });
});

describe('parseImageConfig', () => {
  it('reads platform, diff IDs and OnBuild, and keeps unknown fields', () => {
    const parsed = parseImageConfig(
      bytes({
        architecture: 'arm',
        os: 'linux',
        variant: 'v6',
        config: { Env: null, OnBuild: ['COPY . .'], Healthcheck: { Test: ['NONE'] } },
        rootfs: { type: 'layers', diff_ids: [digest] },
        history: [{ created_by: 'x', empty_layer: true }],
        moby: 1,
      }),
    );
    expect(platformOfConfig(parsed)).toEqual({ os: 'linux', architecture: 'arm', variant: 'v6' });
    expect(parsed.config?.OnBuild).toEqual(['COPY . .']);
    expect(parsed.config?.Healthcheck).toEqual({ Test: ['NONE'] });
    expect(parsed.rootfs.diff_ids).toEqual([digest]);
    expect(parsed.moby).toBe(1);
  });

  it('reads what the test images are made of, and refuses what has no root file system', () => {
    expect(parseImageConfig(makeImage('amd64', 'x').config.bytes).architecture).toBe('amd64');
    expect(() => parseImageConfig(bytes({ architecture: 'a', os: 'b' }))).toThrow('rootfs');
  });
});
