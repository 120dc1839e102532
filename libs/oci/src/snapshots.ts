import { RegistryError } from './errors.js';
import { getBlobBytes } from './pulls.js';
import { type ImageConfig, parseImageConfig, platformOfConfig } from './image-config.js';
import { type Descriptor, imageChildren, type ImageIndex, type ImageManifest } from './manifest.js';
import { type FetchedManifest, getManifest } from './manifests.js';
import { isImageConfigType, isIndexType } from './media-types.js';
import { about, type CallOptions, MANIFEST_LIMIT, parsed } from './operations.js';
import { formatPlatform, matchPlatform, type Platform, platformKey } from './platform.js';
import type { RateLimit } from './rate-limit.js';
import { type Digest, type Reference, withDigest } from './reference.js';
import type { Transport } from './transport.js';

/** What a reference means at one moment: its digest, and the manifest that each platform gets. */
export interface Snapshot {
  /** Of the index, or of the manifest when it is a plain one. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Image manifest by platform key. Attestations are left out; empty for what is no image, and for an empty index. */
  readonly platforms: Readonly<Record<string, Digest>>;
  /** When the newest of its images was made, RFC 3339, as far as that is told without further requests. */
  readonly created?: string;
  readonly rateLimit?: RateLimit;
}

/** The config of one image, with the manifest that names it. */
export interface FetchedConfig {
  readonly manifestDigest: Digest;
  readonly manifest: ImageManifest;
  readonly configDigest: Digest;
  readonly config: ImageConfig;
  /** As stored; the config's digest is that of these bytes. */
  readonly bytes: Uint8Array;
}

const MAX_NESTING = 3;

/** Resolves a reference to its digest and to the digest per platform; reads configs where only they tell the platform. */
export async function resolve(transport: Transport, ref: Reference, options: CallOptions = {}): Promise<Snapshot> {
  const fetched = await getManifest(transport, ref, options);
  const { digest, mediaType, rateLimit } = fetched;
  const { platforms, config } = await below(transport, ref, fetched, options, 0);
  const created = createdOf(fetched.manifest, config);
  return {
    digest,
    mediaType,
    platforms: Object.fromEntries(platforms),
    ...(created !== undefined && { created }),
    ...(rateLimit && { rateLimit }),
  };
}

/** OCI image-spec, annotations: `org.opencontainers.image.created`, of an index, of its children, or in the config. */
function createdOf(manifest: ImageIndex | ImageManifest, config: ImageConfig | undefined): string | undefined {
  const key = 'org.opencontainers.image.created';
  const children = manifest.kind === 'index' ? imageChildren(manifest) : [];
  const told = [manifest.annotations?.[key], config?.created, ...children.map((child) => child.annotations?.[key])];
  const times = told.map((text) => Date.parse(text ?? '')).filter((time) => Number.isFinite(time));
  return times.length > 0 ? new Date(Math.max(...times)).toISOString() : undefined;
}

/**
 * The config of the image that a reference means on a platform; without one the reference must mean a single image.
 * @throws RegistryError NOT_FOUND when the platform is not offered (the message lists those that are)
 */
export async function getConfig(
  transport: Transport,
  ref: Reference,
  platform?: Platform,
  options: CallOptions = {},
): Promise<FetchedConfig> {
  const fetched = await getManifest(transport, ref, options);
  const { manifest } = fetched;
  if (manifest.kind === 'image') return configOf(transport, ref, fetched.digest, manifest, options);
  const { platforms } = await below(transport, ref, fetched, options, 0);
  const digests = new Set(platforms.values());
  const key = platform
    ? matchPlatform(platform, platforms.keys())
    : digests.size === 1
      ? [...platforms.keys()][0]
      : undefined;
  const digest = key === undefined ? undefined : platforms.get(key);
  if (digest === undefined) {
    const { reference, registry } = about(ref, '');
    const offered = [...platforms.keys()].join(', ') || 'none';
    const missing = platform ? `has no image for ${formatPlatform(platform)}` : 'has several images, name a platform';
    throw new RegistryError('NOT_FOUND', `${reference} ${missing}; it offers: ${offered}`, { registry, reference });
  }
  const child = await getManifest(transport, withDigest(ref, digest), options);
  if (child.manifest.kind !== 'image') throw notAnImage(ref, child.mediaType);
  return configOf(transport, ref, digest, child.manifest, options);
}

/** Images by platform; the config where the manifest is a plain one, which had to be read to know. */
async function below(
  transport: Transport,
  ref: Reference,
  { digest, manifest }: FetchedManifest,
  options: CallOptions,
  depth: number,
): Promise<{ platforms: Map<string, Digest>; config?: ImageConfig }> {
  if (manifest.kind === 'index') return { platforms: await platformsOfIndex(transport, ref, manifest, options, depth) };
  if (!isImageConfigType(manifest.config.mediaType)) return { platforms: new Map() };
  const { config } = await configOf(transport, ref, digest, manifest, options);
  return { platforms: new Map([[platformKey(platformOfConfig(config)), digest]]), config };
}

/** The first child of a platform counts, as for engines. */
async function platformsOfIndex(
  transport: Transport,
  ref: Reference,
  index: ImageIndex,
  options: CallOptions,
  depth: number,
): Promise<Map<string, Digest>> {
  const platforms = new Map<string, Digest>();
  const add = (key: string, digest: Digest) => platforms.has(key) || platforms.set(key, digest);
  for (const child of imageChildren(index)) {
    if (child.platform && !isIndexType(child.mediaType)) {
      add(platformKey(child.platform), child.digest);
    } else if (depth < MAX_NESTING && !isArtifact(child)) {
      const fetched = await getManifest(transport, withDigest(ref, child.digest), options);
      const nested = await below(transport, ref, fetched, options, depth + 1);
      for (const [key, digest] of nested.platforms) add(key, digest);
    }
  }
  return platforms;
}

function isArtifact(child: Descriptor): boolean {
  return child.artifactType !== undefined && !isImageConfigType(child.artifactType);
}

async function configOf(
  transport: Transport,
  ref: Reference,
  manifestDigest: Digest,
  manifest: ImageManifest,
  options: CallOptions,
): Promise<FetchedConfig> {
  if (!isImageConfigType(manifest.config.mediaType)) throw notAnImage(ref, manifest.config.mediaType);
  const bytes = await getBlobBytes(transport, ref, manifest.config.digest, MANIFEST_LIMIT, options);
  const config = parsed(ref, () => parseImageConfig(bytes));
  return { manifestDigest, manifest, configDigest: manifest.config.digest, config, bytes };
}

function notAnImage(ref: Reference, mediaType: string): RegistryError {
  const { reference, registry } = about(ref, '');
  const why = `${reference} is not a container image but ${mediaType}`;
  return new RegistryError('UNSUPPORTED_MANIFEST', why, { registry, reference });
}
