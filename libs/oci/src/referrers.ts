import { header } from './answers.js';
import { isRegistryError, RegistryError } from './errors.js';
import { type Descriptor, type ImageIndex, parseManifest } from './manifest.js';
import { getManifest, putManifest } from './manifests.js';
import { mediaTypes } from './media-types.js';
import { about, type CallOptions, parsed, type Repository } from './operations.js';
import { type Digest, digestOf, type Reference } from './reference.js';
import { pages } from './tags.js';
import type { Transport } from './transport.js';

const FALLBACK_TRIES = 4;

/**
 * What refers to a manifest (signatures, SBOMs, provenance), by the referrers API or, where a registry lacks it, by the
 * tag schema (OCI distribution-spec, "Listing referrers"). Filtered by artifact type here when the registry did not.
 */
export async function referrers(
  transport: Transport,
  repository: Repository,
  digest: Digest,
  artifactType?: string,
  options: CallOptions = {},
): Promise<Descriptor[]> {
  const found =
    (await fromApi(transport, repository, digest, artifactType, options)) ??
    (await fallbackIndex(transport, repository, digest, options))?.manifests ??
    [];
  return found.filter((one) => artifactType === undefined || one.artifactType === artifactType);
}

/**
 * Pushes a manifest that has a `subject`, by digest, and enters it in the fall-back index where the registry does not
 * index subjects itself.
 */
export async function pushReferrer(
  transport: Transport,
  repository: Repository,
  mediaType: string,
  bytes: Uint8Array,
  options: CallOptions = {},
): Promise<Descriptor> {
  const manifest = parseManifest(bytes, mediaType);
  if (!manifest.subject) throw new RangeError('a referrer needs a subject; this manifest has none, nothing was pushed');
  const digest = digestOf(bytes);
  const artifactType = manifest.artifactType ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined);
  const descriptor: Descriptor = {
    mediaType,
    digest,
    size: bytes.length,
    ...(artifactType !== undefined && { artifactType }),
    ...(manifest.annotations && { annotations: manifest.annotations }),
  };
  const { subjectIndexed } = await putManifest(transport, at(repository, { digest }), mediaType, bytes, options);
  if (!subjectIndexed) await enterInFallback(transport, repository, manifest.subject.digest, descriptor, options);
  return descriptor;
}

/** Tags cannot be compared and swapped, so the entry is read back and made again when another writer won. */
async function enterInFallback(
  transport: Transport,
  repository: Repository,
  subject: Digest,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<void> {
  for (let attempt = 0; attempt < FALLBACK_TRIES; attempt++) {
    const manifests = (await fallbackIndex(transport, repository, subject, options))?.manifests ?? [];
    if (manifests.some(({ digest }) => digest === descriptor.digest)) return;
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [...manifests, descriptor] };
    const ref = at(repository, { tag: fallbackTag(subject) });
    await putManifest(transport, ref, mediaTypes.ociIndex, Buffer.from(JSON.stringify(index)), options);
  }
  const now = (await fallbackIndex(transport, repository, subject, options))?.manifests ?? [];
  if (now.some(({ digest }) => digest === descriptor.digest)) return;
  const call = about(at(repository, { digest: descriptor.digest }), 'PUT referrers index');
  throw new RegistryError(
    'UNAVAILABLE',
    `${call.reference}: others keep overwriting the referrers of ${subject}`,
    call,
  );
}

async function fromApi(
  transport: Transport,
  repository: Repository,
  digest: Digest,
  artifactType: string | undefined,
  options: CallOptions,
): Promise<Descriptor[] | undefined> {
  const path = `/v2/${repository.repository}/referrers/${digest}`;
  const query = artifactType === undefined ? '' : new URLSearchParams({ artifactType }).toString();
  const found: Descriptor[] = [];
  try {
    let type: string | undefined;
    const listing = pages(transport, repository, path, query, 'GET referrers', options, (answer) => {
      type = header(answer, 'content-type');
    });
    for await (const bytes of listing) {
      // Some registries answer 200 with a page for people to any path they do not know.
      if (type !== undefined && !type.includes('json')) return undefined;
      const index = parsed(repository, () => parseManifest(bytes, mediaTypes.ociIndex));
      if (index.kind === 'index') found.push(...index.manifests);
    }
    return found;
  } catch (error) {
    if (isRegistryError(error, 'NOT_FOUND', 'REJECTED')) return undefined;
    throw error;
  }
}

async function fallbackIndex(
  transport: Transport,
  repository: Repository,
  subject: Digest,
  options: CallOptions,
): Promise<ImageIndex | undefined> {
  try {
    const { manifest } = await getManifest(transport, at(repository, { tag: fallbackTag(subject) }), options);
    return manifest.kind === 'index' ? manifest : undefined;
  } catch (error) {
    if (isRegistryError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** `sha256-<hex>`: algorithm and hex cut to 32 and 64 characters, as the specification says. */
function fallbackTag(digest: Digest): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

function at({ registry, repository }: Repository, name: { tag: string } | { digest: Digest }): Reference {
  return { registry, repository, ...name };
}
