import type { Digest } from '#libs/oci';
import type { Layer } from './image-reader.js';
import type { Link } from './link.js';

/**
 * - `Current` it stands on what the tag of its base names now
 * - `Behind` so it does, but something further down has moved
 * - `Stale` the tag of its base names another image now
 * - `Unknown` what it stands on cannot be told, or cannot be compared
 */
export type LineageStatus = 'Current' | 'Behind' | 'Stale' | 'Unknown';

/**
 * Why the chain goes no further: `Scratch` nothing is under it; `Unnamed` nothing tells; `Unseen` the base is named and
 * not there any more; `Loop` it would come back to itself; `Limit` it is too long.
 */
export interface End {
  readonly code: 'Scratch' | 'Unnamed' | 'Unseen' | 'Loop' | 'Limit';
  readonly text: string;
}

export interface OwnedLayer extends Layer {
  /** The image of the chain that brought it; null for the image's own, and where it cannot be told. */
  readonly of: string | null;
}

export interface PlatformLineage {
  readonly platform: string;
  /** The manifest of the image for the platform. */
  readonly digest: Digest;
  readonly created: string | null;
  readonly status: LineageStatus;
  readonly layers: readonly OwnedLayer[];
  /** What it stands on, what that stands on, and so on. */
  readonly chain: readonly Link[];
  readonly end: End;
}

/** What an image stands on. This is what `-o json` prints: fields may be added, and keep their name and meaning. */
export interface Lineage {
  readonly image: string;
  /** What the reference names: an index, or a manifest. */
  readonly digest: Digest;
  /** The worst of the platforms. */
  readonly status: LineageStatus;
  readonly platforms: readonly PlatformLineage[];
}

/** What the links of a chain say together about the image at its top. */
export function statusOf([direct, ...below]: readonly Link[], end: End): LineageStatus {
  if (!direct) return end.code === 'Scratch' ? 'Current' : 'Unknown';
  if (direct.state === 'Moved') return 'Stale';
  if (below.some(({ state }) => state === 'Moved')) return 'Behind';
  return direct.state === 'Current' || direct.state === 'Pinned' ? 'Current' : 'Unknown';
}

const worstFirst: readonly LineageStatus[] = ['Stale', 'Behind', 'Unknown', 'Current'];

/** One word for several platforms: that something is to be done outweighs that something is not known. */
export function overall(statuses: readonly LineageStatus[]): LineageStatus {
  return worstFirst.find((status) => statuses.includes(status)) ?? 'Unknown';
}

/**
 * The name of the image that brought each layer, lowest first; undefined for the image's own. A base further down owns
 * what it has, the one above it the rest of its own; below a link that the layers do not prove nothing can be told.
 */
export function layerOwners(
  count: number,
  chain: readonly Pick<Link, 'reference' | 'layers'>[],
): (string | undefined)[] {
  const owners = Array.from({ length: count }, (): string | undefined => undefined);
  for (const { reference, layers } of chain) {
    if (layers === null) break;
    owners.fill(reference, 0, layers);
  }
  return owners;
}
