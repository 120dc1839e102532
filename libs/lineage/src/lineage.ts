import { formatReference, matchPlatform, parsePlatform, platformKey, type Reference, RegistryError } from '#libs/oci';
import { chooseBase, isAnnotation } from './choose.js';
import { candidateClaim, type Claim } from './claims.js';
import { ImageReader, type ImageSeen, type Look, type ReadLimits, type Registry } from './image-reader.js';
import { provesBase, sharedLayers } from './layers.js';
import { baseImage, type Evidence, type Link, linkOf, proofOf } from './link.js';
import { type End, layerOwners, type Lineage, overall, type PlatformLineage, statusOf } from './result.js';

export interface LineageOptions {
  /** Platforms to answer for; all that the image is there for when empty. */
  readonly platforms?: readonly string[];
  /** Images that may be under it, tried by their layers where nothing says what is. */
  readonly candidates?: readonly Reference[];
  readonly limits?: Partial<LineageLimits>;
  readonly signal?: AbortSignal;
}

export interface LineageLimits extends ReadLimits {
  /** Images under the first one that are followed. */
  readonly depth: number;
}

export const defaultLimits: LineageLimits = { depth: 16, bytes: 32 * 1024 * 1024, reads: 1_000 };
/** Provenance may list thousands of images; a build that stands on more than these is nobody's. */
const MAX_WITNESSES = 50;

/**
 * What an image stands on, down to the root, and whether that is still current: from its registry alone, by reading.
 * @throws RegistryError for the image itself: NOT_FOUND when it, or a platform that was asked for, is not there. What goes
 * wrong further down is in the answer.
 */
export async function lineageOf(
  registry: Registry,
  reference: Reference,
  options: LineageOptions = {},
): Promise<Lineage> {
  const limits = { ...defaultLimits, ...options.limits };
  const reader = new ImageReader(registry, limits, options.signal);
  const offered = await reader.platforms(reference);
  const wanted = (options.platforms ?? []).map((text) => keyOf(reference, text, offered));
  const platforms = await Promise.all(
    [...new Set(wanted.length > 0 ? wanted : offered)].map((platform) =>
      platformLineage(reader, reference, platform, options.candidates ?? [], limits.depth),
    ),
  );
  const [first] = platforms;
  if (!first) throw notFound(reference, 'has no image for any platform');
  return {
    image: formatReference(reference),
    digest: first.index,
    status: overall(platforms.map(({ lineage }) => lineage.status)),
    platforms: platforms.map(({ lineage }) => lineage),
  };
}

async function platformLineage(
  reader: ImageReader,
  reference: Reference,
  platform: string,
  candidates: readonly Reference[],
  depth: number,
): Promise<{ index: ImageSeen['digest']; lineage: PlatformLineage }> {
  const image = await reader.image(reference, platform);
  if (!image) throw notFound(reference, `has no image for ${platform}`);
  const { chain, end } = await walk(reader, image, candidates, depth);
  const owners = layerOwners(image.layers.length, chain);
  return {
    index: image.digest,
    lineage: {
      platform,
      digest: image.manifest,
      created: image.created,
      status: statusOf(chain, end),
      layers: image.layers.map((layer, at) => ({ ...layer, of: owners[at] ?? null })),
      chain,
      end,
    },
  };
}

/** Follows the bases from an image down, until nothing tells what comes next. */
async function walk(
  reader: ImageReader,
  top: ImageSeen,
  candidates: readonly Reference[],
  depth: number,
): Promise<{ chain: Link[]; end: End }> {
  const chain: Link[] = [];
  const seen = new Set<string>([top.manifest]);
  let image = top;
  for (;;) {
    const { evidence, end } = await baseOf(reader, image, candidates);
    if (!evidence) return { chain, end };
    if (chain.length === depth) {
      const text = `What is under it was not followed further than ${depth} images.`;
      return { chain, end: { code: 'Limit', text } };
    }
    const link = linkOf(image, evidence);
    chain.push(link);
    const base = baseImage(image, evidence);
    if (!base)
      return { chain, end: { code: 'Unseen', text: `What ${link.reference} itself stands on cannot be seen.` } };
    if (seen.has(base.manifest)) {
      const text = `${link.reference} is an image that is above it: what it says about its base cannot be true.`;
      return { chain, end: { code: 'Loop', text } };
    }
    seen.add(base.manifest);
    image = base;
  }
}

interface Found {
  readonly evidence?: Evidence;
  /** Why there is none. */
  readonly end: End;
}

/** Asks the witnesses in the order of what they are worth, and no more of them than needed. */
async function baseOf(reader: ImageReader, image: ImageSeen, candidates: readonly Reference[]): Promise<Found> {
  const { claims, scratch, problems } = image.claims;
  const evidenceOf = async (list: readonly Claim[]): Promise<Evidence[]> =>
    Promise.all(list.map((claim) => evidence(reader, claim, image)));
  const said = await evidenceOf(claims);
  const isSaid = said.some((one) => isAnnotation(one) && proofOf(image, one) !== 'NoPrefix');
  if (scratch && said.length === 0)
    return { end: { code: 'Scratch', text: 'It stands on scratch, that is on nothing.' } };
  if (image.diffIds.length === 0 && said.length === 0) {
    return { end: { code: 'Scratch', text: 'It has no layers, so it stands on nothing.' } };
  }
  const others = isSaid
    ? []
    : await evidenceOf([
        ...(await reader.provenance(image)).slice(0, MAX_WITNESSES),
        ...candidates.slice(0, MAX_WITNESSES).map(candidateClaim),
      ]);
  const chosen = chooseBase(image, [...said, ...others]);
  if (chosen) return { evidence: chosen, end: { code: 'Unnamed', text: '' } };
  return { end: { code: 'Unnamed', text: unnamed(image, others, problems) } };
}

/** An honest "nobody knows". */
function unnamed(image: ImageSeen, others: readonly Evidence[], problems: readonly string[]): string {
  const guesses = others.filter(({ claim }) => claim.source === 'Candidate');
  const built = others.length > guesses.length;
  const parts = ['No annotation and no label says what it stands on'];
  if (built) parts.push('its provenance lists several images without saying which is the base');
  if (guesses.length > 0) parts.push("none of the candidates' layers are its first ones");
  const last = parts.pop() ?? '';
  const sentence = parts.length > 0 ? `${parts.join(', ')}, and ${last}.` : `${last}.`;
  const more = [...problems.map((one) => `${one}.`), ...guesses.flatMap((guess) => nearly(image, guess))];
  if (image.diffIds.length === 1) more.push('It has one layer: nothing is under it, unless it was squashed.');
  else if (guesses.length === 0) more.push('Name what it may stand on (--candidate), to have the layers compared.');
  return [sentence, ...more].join(' ');
}

function nearly({ diffIds }: ImageSeen, { claim, used, now }: Evidence): string[] {
  const look = used ?? now;
  const name = formatReference(claim.reference);
  if (look?.kind === 'Gone') return [`${name} is not there.`];
  if (look?.kind === 'NoPlatform') return [`${name} is not there for this platform.`];
  if (look?.kind === 'Unreadable') return [`${name} cannot be read: ${look.why}.`];
  const shared = look ? sharedLayers(diffIds, look.image.diffIds) : 0;
  if (shared === 0) return [];
  return [`It shares its first ${shared} with ${name}, so it may stand on an earlier or later version of that.`];
}

async function evidence(reader: ImageReader, claim: Claim, { platform, diffIds }: ImageSeen): Promise<Evidence> {
  const { registry, repository, tag } = claim.reference;
  const [used, now] = await Promise.all([
    claim.digest === undefined ? undefined : reader.look({ registry, repository, digest: claim.digest }, platform),
    tag === undefined ? undefined : reader.look({ registry, repository, tag }, platform),
  ]);
  const then = used && ofPlatform(used, platform, diffIds);
  const isSamePlatform = then?.kind === 'Found' && now?.kind === 'Found' && then.image.runsOn === now.image.runsOn;
  return { claim, used: then, now: now && (isSamePlatform ? now : ofPlatform(now, platform, diffIds)) };
}

/**
 * An annotation of a whole index may name the manifest of one platform: for the others that says nothing. Only when the
 * layers show it did a build for one platform stand on an image of another (FROM --platform).
 */
function ofPlatform(look: Look, platform: string, diffIds: ImageSeen['diffIds']): Look {
  if (look.kind !== 'Found') return look;
  const { runsOn, diffIds: base } = look.image;
  if (matchPlatform(parsePlatform(platform), [runsOn]) !== undefined || provesBase(diffIds, base)) return look;
  return { kind: 'NoPlatform', offered: [runsOn] };
}

/** @throws InvalidPlatformError, RegistryError NOT_FOUND */
function keyOf(reference: Reference, text: string, offered: readonly string[]): string {
  const key = matchPlatform(parsePlatform(text), offered);
  if (key !== undefined) return key;
  const wanted = platformKey(parsePlatform(text));
  throw notFound(reference, `has no image for ${wanted}; it offers: ${offered.join(', ') || 'none'}`);
}

function notFound(reference: Reference, why: string): RegistryError {
  const text = formatReference(reference);
  return new RegistryError('NOT_FOUND', `${text} ${why}`, { registry: reference.registry, reference: text });
}
