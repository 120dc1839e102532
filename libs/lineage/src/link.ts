import { type Digest, formatReference } from '#libs/oci';
import { type Claim, type ClaimSource, placeOf } from './claims.js';
import type { ImageSeen, Look } from './image-reader.js';
import { provesBase, sharedLayers, standsOn } from './layers.js';

/**
 * What the layers say about a claim: the base's are the first of the image; they are not, so it was squashed or the claim
 * is false; or the base cannot be seen.
 */
export type Proof = 'Prefix' | 'NoPrefix' | 'Unseen';

/** A claim, with what the registry has of the base. */
export interface Evidence {
  readonly claim: Claim;
  /** The image that the claim's digest names; undefined when it has none. */
  readonly used: Look | undefined;
  /** What the claim's tag names now; undefined when it has none. */
  readonly now: Look | undefined;
}

/**
 * - `Current` the tag still names what the image stands on; `Moved` it names another; `Pinned` a digest, which cannot move
 * - `Gone` the tag is no longer there; `Unknown` it cannot be told, the notes say why
 */
export type LinkState = 'Current' | 'Moved' | 'Pinned' | 'Gone' | 'Unknown';

/** That an image stands on a base. */
export interface Link {
  /** The base by its name, canonical. */
  readonly reference: string;
  readonly source: ClaimSource;
  readonly proof: Proof;
  /** How many of the image's first layers are the base's; null when that cannot be told. */
  readonly layers: number | null;
  /** What the base was when the image was built, as it is told: of an index, or of the platform's manifest. */
  readonly digest: Digest | null;
  /** The same, of the platform's manifest; null when it is no longer there, or not told. */
  readonly manifest: Digest | null;
  readonly created: string | null;
  /** What its tag names now, for the platform; null when there is no tag, or nothing behind it. */
  readonly now: {
    readonly digest: Digest;
    readonly manifest: Digest;
    readonly created: string | null;
    readonly layers: number;
  } | null;
  readonly state: LinkState;
  /** What is to be known about it, in sentences. */
  readonly notes: readonly string[];
}

const found = (look: Look | undefined): ImageSeen | undefined => (look?.kind === 'Found' ? look.image : undefined);

/** What the layers of an image say about a claim. */
export function proofOf(image: Pick<ImageSeen, 'diffIds'>, { claim, used, now }: Evidence): Proof {
  const [then, today] = [found(used), found(now)];
  if (then) return standsOn(image.diffIds, then.diffIds) ? 'Prefix' : 'NoPrefix';
  if (!today) return 'Unseen';
  if (provesBase(image.diffIds, today.diffIds)) return 'Prefix';
  // Another version of the base may lie under it; only one that has nothing in common speaks against the claim.
  return claim.digest !== undefined || sharedLayers(image.diffIds, today.diffIds) > 0 ? 'Unseen' : 'NoPrefix';
}

/** The image on which the chain goes on: what was used, or what is there now when its layers are the same. */
export function baseImage(image: Pick<ImageSeen, 'diffIds'>, evidence: Evidence): ImageSeen | undefined {
  const then = found(evidence.used);
  if (then) return then;
  const today = found(evidence.now);
  return today && provesBase(image.diffIds, today.diffIds) ? today : undefined;
}

/** The link that a claim makes, judged. */
export function linkOf(image: Pick<ImageSeen, 'diffIds'>, evidence: Evidence): Link {
  const { claim, used, now } = evidence;
  const proof = proofOf(image, evidence);
  const [then, today, base] = [found(used), found(now), baseImage(image, evidence)];
  const { state, note } = judge(image, evidence);
  return {
    reference: formatReference(claim.reference),
    source: claim.source,
    proof,
    layers: proof === 'Prefix' && base ? base.diffIds.length : null,
    digest: claim.digest ?? null,
    manifest: then?.manifest ?? null,
    created: then?.created ?? null,
    now: today
      ? { digest: today.digest, manifest: today.manifest, created: today.created, layers: today.diffIds.length }
      : null,
    state,
    notes: [...note, ...proofNotes(evidence, proof)],
  };
}

interface Judgement {
  readonly state: LinkState;
  readonly note: readonly string[];
}

function judge(image: Pick<ImageSeen, 'diffIds'>, { claim, used, now }: Evidence): Judgement {
  const name = formatReference(claim.reference);
  const [then, today] = [found(used), found(now)];
  if (claim.pinned) {
    const moved = then && today && then.manifest !== today.manifest;
    return { state: 'Pinned', note: moved ? [`The tag of ${name} names another image by now.`] : [] };
  }
  switch (now?.kind) {
    case undefined:
      return { state: 'Unknown', note: [`${name} has no tag that could be compared.`] };
    case 'Gone':
      return { state: 'Gone', note: [`${name} is no longer in its registry, so nothing can be compared with it.`] };
    case 'NoPlatform':
      return { state: 'Unknown', note: [`${name} is not there for this platform; it offers: ${list(now.offered)}.`] };
    case 'Unreadable':
      return { state: 'Unknown', note: [`${name} cannot be read: ${now.why}`] };
    case 'Found':
      break;
  }
  if (then) return { state: then.manifest === now.image.manifest ? 'Current' : 'Moved', note: [] };
  const { digest, manifest } = now.image;
  if (claim.digest === digest || claim.digest === manifest) return { state: 'Current', note: [] };
  return judgeByLayers(image, claim, now.image, name, used?.kind === 'Gone');
}

/** What the image stood on is not there any more, or is not told: the layers have to tell. */
function judgeByLayers(
  { diffIds }: Pick<ImageSeen, 'diffIds'>,
  { digest }: Claim,
  today: ImageSeen,
  name: string,
  isGone: boolean,
): Judgement {
  if (provesBase(diffIds, today.diffIds)) {
    const why = digest ? 'the digest it was built on cannot be seen' : 'no digest is told';
    return { state: 'Current', note: [`Compared by layers alone, as ${why}: a change of settings would not be seen.`] };
  }
  const shared = sharedLayers(diffIds, today.diffIds);
  if (shared > 0) {
    const note = `The image shares ${shared} of the ${today.diffIds.length} layers of ${name} as it is now.`;
    return { state: 'Moved', note: [note] };
  }
  // The tag names another digest now; that of an index may have changed for other platforms, but then it would be there.
  if (isGone) return { state: 'Moved', note: [] };
  const why = `The image has no layer of ${name} as it is now`;
  return { state: 'Unknown', note: [`${why}: it moved, or the image was squashed.`] };
}

function proofNotes({ claim, used }: Evidence, proof: Proof): string[] {
  const name = formatReference(claim.reference);
  const notes: string[] = [];
  if (proof === 'NoPrefix' && used?.kind === 'Found') {
    notes.push(
      `The layers of ${name} are not the first ones of the image: it was squashed, or ${placeOf(claim.source)} cannot be believed.`,
    );
  }
  if (used?.kind === 'Gone') notes.push(`What ${name} was, ${claim.digest}, is no longer in its registry.`);
  if (used?.kind === 'NoPlatform') notes.push(`What ${name} was, ${claim.digest}, is not there for this platform.`);
  if (used?.kind === 'Unreadable') notes.push(`What ${name} was cannot be read: ${used.why}`);
  if (claim.source === 'Label') notes.push('Labels are inherited: this may be an image further down.');
  return notes;
}

const list = (names: readonly string[]): string => names.join(', ') || 'none';
