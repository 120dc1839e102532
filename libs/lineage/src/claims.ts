import { type Digest, isDigest, parseReference, type Reference } from '#libs/oci';

/**
 * Where it is said what an image stands on, the most trustworthy first: an annotation of its own manifest, of the
 * descriptor that names it in an index, or of the whole index; a label of its config, which it may have inherited from
 * the base; an image that its build used; or a candidate, which nobody says but a person guesses.
 */
export const claimSources = ['Manifest', 'Descriptor', 'Index', 'Label', 'Provenance', 'Candidate'] as const;
export type ClaimSource = (typeof claimSources)[number];

/** That an image stands on this one. */
export interface Claim {
  readonly source: ClaimSource;
  /** The name, without a digest when {@link Claim.digest} has it; with neither tag nor digest it is never. */
  readonly reference: Reference;
  /** What the name meant when the image was built: an index or the manifest of a platform. Undefined when not told. */
  readonly digest: Digest | undefined;
  /** The build named the base by its digest alone, or by tag and digest: it does not move. */
  readonly pinned: boolean;
}

export interface Claims {
  readonly claims: readonly Claim[];
  /** It says that it stands on `scratch`. */
  readonly scratch: boolean;
  /** What was said and cannot be used, in words. */
  readonly problems: readonly string[];
}

export const noClaims: Claims = { claims: [], scratch: false, problems: [] };

/** Of the OCI image-spec, annotations.md. */
const NAME = 'org.opencontainers.image.base.name';
const DIGEST = 'org.opencontainers.image.base.digest';

/**
 * What annotations (or labels, which take the same names) say about the base. An empty name is no claim: Buildah writes
 * one when a build begins at scratch.
 */
export function claimsOf(
  annotations: Readonly<Record<string, string>> | null | undefined,
  source: ClaimSource,
): Claims {
  const name = annotations?.[NAME]?.trim() ?? '';
  const digest = annotations?.[DIGEST]?.trim() ?? '';
  if (name === 'scratch') return { ...noClaims, scratch: true };
  if (name === '') {
    // A digest without a name can be asked nobody.
    return digest === '' || source === 'Label' ? noClaims : problem(source, `has a base digest but no base name`);
  }
  let reference: Reference;
  try {
    reference = parseReference(name);
  } catch (error) {
    return problem(source, (error as Error).message);
  }
  if (digest !== '' && !isDigest(digest)) {
    const { claims } = claimed(source, reference, undefined);
    return { ...problem(source, `has the base digest ${JSON.stringify(digest.slice(0, 100))}, which is none`), claims };
  }
  return claimed(source, reference, digest === '' ? undefined : digest);
}

function claimed(source: ClaimSource, reference: Reference, digest: Digest | undefined): Claims {
  const { registry, repository, tag } = reference;
  const pinned = reference.digest !== undefined;
  const named = tag === undefined ? reference : { registry, repository, tag };
  return { ...noClaims, claims: [{ source, reference: named, digest: digest ?? reference.digest, pinned }] };
}

/**
 * A guess. With tag and digest it means an earlier image of that tag, so it is not pinned: whoever knows what a base was
 * can have it compared with what it is.
 */
export function candidateClaim(candidate: Reference): Claim {
  const { registry, repository, tag, digest } = candidate;
  if (tag === undefined) return { source: 'Candidate', reference: candidate, digest, pinned: true };
  return { source: 'Candidate', reference: { registry, repository, tag }, digest, pinned: false };
}

/** All claims of several places, in their order. */
export function joinClaims(...parts: readonly Claims[]): Claims {
  return {
    claims: parts.flatMap(({ claims }) => claims),
    scratch: parts.some(({ scratch }) => scratch),
    problems: parts.flatMap(({ problems }) => problems),
  };
}

const places: Readonly<Record<ClaimSource, string>> = {
  Manifest: 'its annotations',
  Descriptor: 'the annotations of its entry in the index',
  Index: 'the annotations of its index',
  Label: 'its labels',
  Provenance: 'its provenance',
  Candidate: 'a candidate',
};

/** `its annotations`, in a sentence. */
export const placeOf = (source: ClaimSource): string => places[source];

function problem(source: ClaimSource, what: string): Claims {
  return { ...noClaims, problems: [`In ${placeOf(source)}: ${what}`] };
}
