import { createReadStream } from 'node:fs';
import { parseDigest, parseReference, isRegistryError, type Reference, type RegistryClient } from '#libs/oci';
import type { ArtifactBlob, ImageRegistry } from '../ports.js';

/** Uploads of one image that run at the same time. */
const parallelUploads = 3;

const repositoryOf = (name: string): Pick<Reference, 'registry' | 'repository'> => {
  const { registry, repository } = parseReference(name);
  return { registry, repository };
};

/** The registry client in the builder's words. It is asked for each time: new settings come with another client. */
export const imageRegistry = (client: () => RegistryClient): ImageRegistry => ({
  head: (reference, signal) => client().headManifest(parseReference(reference), { signal }),

  resolve: async (reference, signal) => {
    try {
      const { digest, mediaType, platforms } = await client().resolve(parseReference(reference), { signal });
      return { digest, mediaType, platforms };
    } catch (error) {
      if (isRegistryError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  },

  manifest: async (reference, signal) => {
    const { bytes, mediaType, digest } = await client().getManifest(parseReference(reference), { signal });
    return { bytes, mediaType, digest };
  },

  config: async (reference, signal) =>
    (await client().getConfig(parseReference(reference), undefined, { signal })).config,

  put: async (reference, { bytes, mediaType }, { timeoutMs, signal }) => {
    await client().putManifest(parseReference(reference), mediaType, bytes, { timeoutMs, signal });
  },

  push: async (name, image, { mountFrom, signal }) => {
    const target = repositoryOf(name);
    const from = mountFrom === undefined ? undefined : repositoryOf(mountFrom);
    const options = { signal, ...(from?.registry === target.registry && { mountFrom: from }) };
    const queue = [...image.blobs];
    const upload = async (): Promise<void> => {
      for (let blob = queue.shift(); blob; blob = queue.shift()) {
        const { digest } = blob;
        if (await client().hasBlob(target, digest, { signal })) continue;
        await client().uploadBlob(target, blob, () => createReadStream(image.file(digest)), options);
      }
    };
    await Promise.all(Array.from({ length: parallelUploads }, upload));
    for (const { digest, mediaType, bytes } of image.manifests) {
      await client().putManifest({ ...target, digest: parseDigest(digest) }, mediaType, bytes, { signal });
    }
  },

  attach: async (name, { mediaType, bytes }, blobs, signal) => {
    const target = repositoryOf(name);
    const upload = async ({ digest, bytes: content }: ArtifactBlob): Promise<void> => {
      const blob = { digest: parseDigest(digest), size: content.length };
      // An empty configuration is there since the first time; to ask for what is new each time would cost a request.
      if (content.length <= 2 && (await client().hasBlob(target, blob.digest, { signal }))) return;
      await client().uploadBlob(target, blob, () => content, { signal });
    };
    await Promise.all(blobs.map(upload));
    await client().pushReferrer(target, mediaType, bytes, { signal });
  },
});
