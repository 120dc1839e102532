import type { RegistryClient } from './client.js';
import { isRegistryError } from './errors.js';
import { parseImageConfig, platformOfConfig } from './image-config.js';
import { InvalidLayoutError, type Layout, readLayout } from './layout.js';
import { type Descriptor, isAttestation, type Manifest, parseManifest } from './manifest.js';
import { isImageConfigType } from './media-types.js';
import type { CallOptions, Repository } from './operations.js';
import { platformKey } from './platform.js';
import { type Digest, digestOf } from './reference.js';

export interface PushLayoutOptions extends CallOptions {
  /** Which image of the layout, by its `org.opencontainers.image.ref.name`; not needed when it holds one. */
  readonly name?: string;
  /**
   * Annotations to add to a manifest (image or index) before it is pushed; they replace equal keys. `platform` is the
   * image's, absent for an index.
   */
  readonly annotate?: (
    manifest: Manifest,
    platform: string | undefined,
  ) => Readonly<Record<string, string>> | undefined;
  /** Repositories of the same registry that may hold the layers already, likeliest first. */
  readonly mountFrom?: readonly Repository[];
  /** Push attestations, too. Dropped by default: with annotations added they would describe another digest. */
  readonly keepAttestations?: boolean;
}

export interface PushedImage {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** Image manifest by platform key. */
  readonly platforms: Readonly<Record<string, Digest>>;
}

interface Planned {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

interface Plan {
  /** Children before the indexes that name them. */
  readonly manifests: Planned[];
  readonly blobs: Map<Digest, Descriptor>;
  readonly platforms: Map<string, Digest>;
}

const PARALLEL = 4;
const MAX_NESTING = 3;

/**
 * Pushes the image of an OCI layout by digest, never by tag: blobs first (asked for, mounted, else uploaded), then
 * manifests. The same layout and options give the same digests.
 * @throws InvalidLayoutError, RegistryError
 */
export async function pushLayout(
  client: RegistryClient,
  directory: string,
  target: Repository,
  options: PushLayoutOptions = {},
): Promise<PushedImage> {
  const layout = await readLayout(directory);
  const plan: Plan = { manifests: [], blobs: new Map(), platforms: new Map() };
  const root = await planManifest(layout, layout.root(options.name), options, plan, 0);
  const waiting = [...plan.blobs.values()];
  const worker = async () => {
    for (let blob = waiting.shift(); blob; blob = waiting.shift())
      await pushBlob(client, layout, target, blob, options);
  };
  await allSettled(Array.from({ length: Math.min(PARALLEL, waiting.length) }, worker));
  for (const { digest, mediaType, bytes } of plan.manifests) {
    const ref = { registry: target.registry, repository: target.repository, digest };
    await client.putManifest(ref, mediaType, bytes, { signal: options.signal });
  }
  const { digest, mediaType, bytes } = root;
  return { digest, mediaType, size: bytes.length, platforms: Object.fromEntries(plan.platforms) };
}

/** Adds a manifest and all below it to the plan, children rewritten first, as their digests are part of the parent. */
async function planManifest(
  layout: Layout,
  descriptor: Descriptor,
  options: PushLayoutOptions,
  plan: Plan,
  depth: number,
): Promise<Planned> {
  if (depth > MAX_NESTING) throw new InvalidLayoutError(layout.directory, 'its indexes are nested too deeply');
  const original = await layout.read(descriptor.digest);
  let manifest: Manifest;
  try {
    manifest = parseManifest(original, descriptor.mediaType);
  } catch (error) {
    throw new InvalidLayoutError(layout.directory, `${descriptor.digest}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  let changes: Record<string, unknown> = {};
  let platform: string | undefined;
  if (manifest.kind === 'image') {
    for (const blob of [manifest.config, ...manifest.layers]) {
      // Foreign layers stay where they are; their descriptors name them.
      if (!isForeign(blob)) plan.blobs.set(blob.digest, blob);
    }
    platform = await platformOf(layout, descriptor, manifest.config);
  } else {
    changes = await planChildren(layout, original, manifest.manifests, options, plan, depth);
  }
  const attestation = isAttestation(descriptor);
  const added = attestation ? undefined : options.annotate?.(manifest, platform);
  if (added && Object.keys(added).length > 0) changes.annotations = { ...manifest.annotations, ...added };
  const bytes = Object.keys(changes).length === 0 ? original : rewrite(original, changes);
  const planned = { digest: digestOf(bytes), mediaType: manifest.mediaType, bytes };
  plan.manifests.push(planned);
  if (platform !== undefined && !attestation && !plan.platforms.has(platform))
    plan.platforms.set(platform, planned.digest);
  return planned;
}

/** @returns the new `manifests`, when any child was dropped or changed */
async function planChildren(
  layout: Layout,
  original: Uint8Array,
  children: readonly Descriptor[],
  options: PushLayoutOptions,
  plan: Plan,
  depth: number,
): Promise<Record<string, unknown>> {
  // The descriptors as written, so that fields unknown here survive.
  const written = (JSON.parse(Buffer.from(original).toString('utf8')) as { manifests?: Record<string, unknown>[] })
    .manifests;
  const replaced = new Map<Digest, Digest>();
  const kept: Record<string, unknown>[] = [];
  let changed = false;
  const ordered = [...children.entries()].sort(([, a], [, b]) => Number(isAttestation(a)) - Number(isAttestation(b)));
  const planned = new Map<number, Planned>();
  for (const [at, child] of ordered) {
    if (isAttestation(child) && !options.keepAttestations) continue;
    const result = await planManifest(layout, child, options, plan, depth + 1);
    planned.set(at, result);
    replaced.set(child.digest, result.digest);
  }
  for (const [at, child] of children.entries()) {
    const result = planned.get(at);
    const described = child.annotations?.['vnd.docker.reference.digest'] as Digest | undefined;
    const now = described === undefined ? undefined : replaced.get(described);
    if (!result) {
      changed = true;
      continue;
    }
    const same = result.digest === child.digest && (now === undefined || now === described);
    changed ||= !same;
    kept.push({
      ...written?.[at],
      ...(!same && { digest: result.digest, size: result.bytes.length }),
      ...(now !== undefined && { annotations: { ...child.annotations, 'vnd.docker.reference.digest': now } }),
    });
  }
  return changed ? { manifests: kept } : {};
}

async function pushBlob(
  client: RegistryClient,
  layout: Layout,
  target: Repository,
  { digest, size }: Descriptor,
  options: PushLayoutOptions,
): Promise<void> {
  const { signal } = options;
  if (await client.hasBlob(target, digest, { signal })) return;
  const actual = await layout.size(digest);
  if (actual !== size) {
    throw new InvalidLayoutError(
      layout.directory,
      `the blob ${digest} has ${actual} bytes, its descriptor says ${size}`,
    );
  }
  const sources = (options.mountFrom ?? []).filter(
    (from) => from.registry === target.registry && from.repository !== target.repository,
  );
  // The last one's session is used for the upload when it declines as well.
  for (const from of sources.slice(0, -1)) {
    try {
      if (await client.mountBlob(target, digest, from, { signal })) return;
    } catch (error) {
      // A mount only saves the transfer; the upload will say what is really wrong.
      if (!isRegistryError(error)) throw error;
    }
  }
  await client.uploadBlob(target, { digest, size }, () => layout.stream(digest), { signal, mountFrom: sources.at(-1) });
}

async function platformOf(layout: Layout, descriptor: Descriptor, config: Descriptor): Promise<string | undefined> {
  if (isAttestation(descriptor) || !isImageConfigType(config.mediaType)) return undefined;
  if (descriptor.platform) return platformKey(descriptor.platform);
  return platformKey(platformOfConfig(parseImageConfig(await layout.read(config.digest))));
}

/** The same JSON with some top fields replaced: key order stays, so the result depends on the input alone. */
function rewrite(original: Uint8Array, changes: Record<string, unknown>): Uint8Array {
  const body = JSON.parse(Buffer.from(original).toString('utf8')) as Record<string, unknown>;
  const sorted = Object.entries(changes).map(([key, value]) => [key, key === 'annotations' ? sortKeys(value) : value]);
  return Buffer.from(JSON.stringify({ ...body, ...(Object.fromEntries(sorted) as Record<string, unknown>) }));
}

function sortKeys(value: unknown): unknown {
  return Object.fromEntries(Object.entries(value as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isForeign(blob: Descriptor): boolean {
  return blob.mediaType.includes('nondistributable') || blob.mediaType.includes('foreign.diff');
}

/** Waits for all before failing, so that nothing is still running when the caller hears of it. */
async function allSettled(work: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
