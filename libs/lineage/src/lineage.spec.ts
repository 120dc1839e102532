import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Digest,
  digestOf,
  mediaTypes,
  parseManifest,
  parseReference,
  type Reference,
  RegistryError,
} from '#libs/oci';
import type { Registry } from './image-reader.js';
import { standsOn as prefixOf } from './layers.js';
import { lineageOf } from './lineage.js';
import { statusOf } from './result.js';
import { standsOn } from './testing/images.js';

interface Made {
  readonly layers: string;
  /** Tag that it says it stands on, and the image whose digest it gives with it: an earlier one, none, or a made-up one. */
  readonly says: { readonly tag: number; readonly digest: number | 'none' | 'made up' } | null;
}

const host = 'registry.test';
const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const notFound = (name: string) => new RegistryError('NOT_FOUND', `${name} is not there`, { registry: host });

/** A registry in memory, whose images say of their bases whatever they like: lies, circles, what is gone. */
const registryOf = (images: readonly Made[], tags: readonly number[]) => {
  const blobs = new Map<string, Buffer>();
  const keep = (bytes: Buffer): Digest => {
    blobs.set(digestOf(bytes), bytes);
    return digestOf(bytes);
  };
  const digests: Digest[] = [];
  const diffIdsOf = new Map<Digest, Digest[]>();
  images.forEach(({ layers, says }, at) => {
    const diffIds = layers.split('').map((text) => digestOf(Buffer.from(text)));
    const config = json({ os: 'linux', architecture: 'amd64', at, rootfs: { type: 'layers', diff_ids: diffIds } });
    const told = typeof says?.digest === 'number' ? digests[says.digest % Math.max(1, at)] : undefined;
    const digest = says?.digest === 'made up' ? `sha256:${'0'.repeat(64)}` : told;
    const manifest = keep(
      json({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: { mediaType: mediaTypes.ociConfig, digest: keep(config), size: config.length },
        layers: diffIds.map((id) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: id, size: 1 })),
        ...(says && { annotations: standsOn(`${host}/t:${says.tag}`, digest) }),
      }),
    );
    digests.push(manifest);
    diffIdsOf.set(manifest, diffIds);
  });
  let reads = 0;
  const read = (digest: string | undefined, name: string): Buffer => {
    reads += 1;
    const bytes = digest === undefined ? undefined : blobs.get(digest);
    if (!bytes) throw notFound(name);
    return bytes;
  };
  const registry: Registry = {
    getManifest: async ({ tag, digest }: Reference) => {
      const image = tag === undefined ? undefined : tags[Number(tag)];
      const bytes = read(digest ?? (image === undefined ? undefined : digests[image % images.length]), `t:${tag}`);
      const { mediaType } = parseManifest(bytes);
      return { digest: digestOf(bytes), mediaType, size: bytes.length, bytes, manifest: parseManifest(bytes) };
    },
    getBlobBytes: async (_repository, digest) => read(digest, digest),
    resolve: () => Promise.reject(new Error('nothing here is an index')),
  };
  return { registry, diffIdsOf, reads: () => reads };
};

const made = fc.record<Made>({
  layers: fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 }),
  says: fc.option(
    fc.record({
      tag: fc.nat({ max: 5 }),
      digest: fc.oneof(fc.nat({ max: 7 }), fc.constant('none' as const), fc.constant('made up' as const)),
    }),
  ),
});

describe('whatever images say of their bases', () => {
  const worlds = fc.record({
    images: fc.array(made, { minLength: 1, maxLength: 8 }),
    tags: fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 5 }),
    depth: fc.integer({ min: 1, max: 6 }),
  });

  it('the answer ends, within its limits, and is the same when asked again', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async ({ images, tags, depth }) => {
        const { registry, reads } = registryOf(images, tags);
        const limits = { depth, reads: 40 };
        const first = await lineageOf(registry, parseReference(`${host}/t:0`), { limits });
        expect(reads()).toBeLessThanOrEqual(limits.reads);
        expect(first.platforms[0]?.chain.length).toBeLessThanOrEqual(depth);
        expect(await lineageOf(registry, parseReference(`${host}/t:0`), { limits })).toEqual(first);
      }),
    );
  });

  it('no image comes twice in a chain, what is proven has its layers below, and the word fits the links', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async ({ images, tags }) => {
        const { registry, diffIdsOf } = registryOf(images, tags);
        const { platforms } = await lineageOf(registry, parseReference(`${host}/t:0`));
        const [{ chain, digest, layers, status, end } = expect.fail('no platform')] = platforms;
        let above = diffIdsOf.get(digest) ?? [];
        const followed: Digest[] = [digest];
        for (const { proof, manifest, now, layers: count } of chain) {
          const base = diffIdsOf.get(manifest ?? now?.manifest ?? digest) ?? [];
          expect(count).toBe(proof === 'Prefix' ? base.length : null);
          if (proof === 'Prefix') expect(prefixOf(above, base)).toBe(true);
          if (manifest) followed.push(manifest);
          above = base;
        }
        // The last one may be the one that closes a circle.
        const unique = end.code === 'Loop' ? followed.slice(0, -1) : followed;
        expect(new Set(unique).size).toBe(unique.length);
        expect(status).toBe(statusOf(chain, end));
        const unproven = chain.findIndex((link) => link.layers === null);
        const proven = unproven < 0 ? chain : chain.slice(0, unproven);
        layers.forEach(({ of }, at) => {
          expect(of).toBe(proven.findLast((link) => (link.layers ?? 0) > at)?.reference ?? null);
        });
      }),
    );
  });
});
