import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '#libs/contracts';
import {
  digestOf,
  imageChildren,
  isAttestation,
  parseImageConfig,
  parseManifest,
  platformKey,
  platformOfConfig,
  type Descriptor,
  type Digest,
} from '#libs/oci';
import type { ManifestBytes } from '../ports.js';

/** A built image, ready to be pushed: every manifest as the bytes that will be in the registry. */
export interface PreparedImage extends Snapshot {
  /** Children before the index that names them, so that the registry has what each one names. */
  readonly manifests: readonly ManifestBytes[];
  readonly blobs: readonly Descriptor[];
  /** Where the bytes of a blob are. */
  file(digest: string): string;
}

export type Annotations = Readonly<Record<string, string>>;
/** Annotations for the image manifest of one platform. */
export type AnnotationsOf = (platform: string) => Annotations;

type Json = Record<string, unknown>;

const blobFile = (directory: string, digest: string): string => {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(directory, 'blobs', algorithm, hex);
};

/**
 * Reads an engine's OCI image layout and annotates the image manifests. What names them (index, attestations) is
 * rewritten with them; the layout on disk stays as it is.
 * @throws InvalidManifestError when the layout does not hold what its index says
 */
export const prepareImage = async (
  directory: string,
  root: { readonly digest: string; readonly mediaType: string },
  annotationsOf: AnnotationsOf,
): Promise<PreparedImage> => {
  const manifests: ManifestBytes[] = [];
  const blobs = new Map<string, Descriptor>();
  const platforms: Record<string, string> = {};

  const add = (bytes: Uint8Array, mediaType: string): ManifestBytes => {
    const manifest = { bytes, mediaType, digest: digestOf(bytes) };
    if (!manifests.some(({ digest }) => digest === manifest.digest)) manifests.push(manifest);
    return manifest;
  };

  const image = async (digest: string, mediaType: string, annotate: boolean): Promise<ManifestBytes> => {
    const bytes = await readFile(blobFile(directory, digest));
    const manifest = parseManifest(bytes, mediaType);
    if (manifest.kind !== 'image') throw new Error(`${digest} is an index inside an index: an engine makes none.`);
    for (const blob of [manifest.config, ...manifest.layers]) blobs.set(blob.digest, blob);
    if (!annotate) return add(bytes, manifest.mediaType);
    const config = parseImageConfig(await readFile(blobFile(directory, manifest.config.digest)));
    const platform = platformKey(platformOfConfig(config));
    const added = add(withAnnotations(bytes, annotationsOf(platform)), manifest.mediaType);
    platforms[platform] = added.digest;
    return added;
  };

  const bytes = await readFile(blobFile(directory, root.digest));
  const top = parseManifest(bytes, root.mediaType);
  let result: ManifestBytes;
  if (top.kind === 'image') {
    result = await image(root.digest, top.mediaType, true);
  } else {
    const moved = new Map<Digest, ManifestBytes>();
    for (const child of imageChildren(top)) moved.set(child.digest, await image(child.digest, child.mediaType, true));
    for (const child of top.manifests.filter(isAttestation)) {
      moved.set(child.digest, await image(child.digest, child.mediaType, false));
    }
    result = add(withChildren(bytes, moved), top.mediaType);
  }
  const { digest, mediaType } = result;
  return { digest, mediaType, platforms, manifests, blobs: [...blobs.values()], file: (of) => blobFile(directory, of) };
};

/** The same JSON with these annotations; the same bytes when they are there already. */
const withAnnotations = (bytes: Uint8Array, annotations: Annotations): Uint8Array => {
  const manifest = JSON.parse(Buffer.from(bytes).toString('utf8')) as Json & { annotations?: Annotations };
  const before = manifest.annotations ?? {};
  if (Object.entries(annotations).every(([name, value]) => before[name] === value)) return bytes;
  return Buffer.from(JSON.stringify({ ...manifest, annotations: { ...before, ...annotations } }));
};

const referenceDigest = 'vnd.docker.reference.digest';

const withChildren = (bytes: Uint8Array, moved: ReadonlyMap<string, ManifestBytes>): Uint8Array => {
  const index = JSON.parse(Buffer.from(bytes).toString('utf8')) as Json & { manifests: Descriptor[] };
  const manifests = index.manifests.map((child) => {
    const now = moved.get(child.digest);
    const { annotations } = child;
    // An attestation says in its descriptor which image it is about.
    const about = moved.get(annotations?.[referenceDigest] ?? '');
    return {
      ...child,
      ...(now && { digest: now.digest, size: now.bytes.byteLength }),
      ...(annotations && about && { annotations: { ...annotations, [referenceDigest]: about.digest } }),
    };
  });
  const changed = JSON.stringify(manifests) !== JSON.stringify(index.manifests);
  return changed ? Buffer.from(JSON.stringify({ ...index, manifests })) : bytes;
};
