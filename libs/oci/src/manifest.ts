import { z } from 'zod';
import { isImageManifestType, isIndexType, isSchema1Type, mediaTypes } from './media-types.js';
import { platformKey, type Platform } from './platform.js';
import { isDigest, type Digest } from './reference.js';

/** What names a piece of content. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly platform?: Platform;
  /** Where foreign layers may be found. Kept so that digests survive, never fetched: it may name any host. */
  readonly urls?: readonly string[];
}

/** An OCI image index or Docker manifest list. */
export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An OCI image manifest or Docker schema 2 manifest. */
export interface ImageManifest {
  readonly kind: 'image';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type Manifest = ImageIndex | ImageManifest;

/** The bytes are not a manifest that can be used; the message says why. */
export class InvalidManifestError extends Error {
  override readonly name = 'InvalidManifestError';
  constructor(
    readonly code: 'INVALID_MANIFEST' | 'UNSUPPORTED_MANIFEST',
    message: string,
  ) {
    super(message);
  }
}

const annotations = z.record(z.string(), z.string());
/** Some tools write `null` where they mean nothing. */
const nothing = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined) as z.ZodType<z.output<T> | undefined>;

const platform = z
  .object({
    os: z.string(),
    architecture: z.string(),
    variant: nothing(z.string()).optional(),
    'os.version': nothing(z.string()).optional(),
  })
  .transform((p): Platform => ({
    os: p.os,
    architecture: p.architecture,
    ...(p.variant && { variant: p.variant }),
    ...(p['os.version'] && { osVersion: p['os.version'] }),
  }));

const descriptor = z
  .object({
    mediaType: z.string(),
    digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest'),
    size: z.number().int().nonnegative(),
    annotations: nothing(annotations).optional(),
    artifactType: nothing(z.string()).optional(),
    platform: nothing(platform).optional(),
    urls: nothing(z.array(z.string())).optional(),
  })
  .transform((d): Descriptor => withoutUndefined(d));

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: nothing(z.string()).optional(),
  subject: nothing(descriptor).optional(),
  annotations: nothing(annotations).optional(),
};
const indexSchema = z.object({ ...common, manifests: nothing(z.array(descriptor)).optional() });
const imageSchema = z.object({ ...common, config: descriptor, layers: nothing(z.array(descriptor)).optional() });

/**
 * Reads an OCI index or manifest, a Docker manifest list or schema 2 manifest. Unknown fields are ignored.
 * @param contentType the Content-Type it was served with; when it and the body's own mediaType differ the manifest is
 *   refused, since two readers could take it for two things (CVE-2021-41190)
 * @throws InvalidManifestError
 */
export function parseManifest(bytes: Uint8Array, contentType?: string): Manifest {
  const body = parseJson(bytes, 'manifest');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('it is not a JSON object');
  const fields = body as Record<string, unknown>;
  const own = typeof fields.mediaType === 'string' && fields.mediaType !== '' ? fields.mediaType : undefined;
  if (isSchema1Type(own ?? contentType) || fields.schemaVersion === 1) {
    throw new InvalidManifestError(
      'UNSUPPORTED_MANIFEST',
      'this is a Docker schema 1 manifest, a format without content-addressed configs that was retired in 2019; ' +
        'push the image again with a current tool',
    );
  }
  const served = isKnown(contentType) ? contentType : undefined;
  if (own && served && own !== served) throw invalid(`it says that it is ${own}, but was served as ${served}`);
  if ('manifests' in fields && ('layers' in fields || 'config' in fields)) {
    throw invalid('it has both manifests and layers, so it could be read as two things');
  }
  const mediaType =
    own ?? served ?? ('manifests' in fields ? mediaTypes.ociIndex : 'config' in fields ? mediaTypes.ociManifest : '');

  if (isIndexType(mediaType)) {
    const { schemaVersion: _, manifests, ...rest } = check(indexSchema, fields);
    return withoutUndefined({ ...rest, kind: 'index' as const, mediaType, manifests: manifests ?? [] });
  }
  if (isImageManifestType(mediaType)) {
    const { schemaVersion: _, layers, ...rest } = check(imageSchema, fields);
    return withoutUndefined({ ...rest, kind: 'image' as const, mediaType, layers: layers ?? [] });
  }
  throw invalid(mediaType ? `its media type is ${mediaType}` : 'it has neither manifests nor a config');
}

/**
 * Whether an index's child is an attestation (provenance, SBOM), not an image: BuildKit marks it with an annotation and
 * gives it the platform unknown/unknown. It changes with every build, even when the image does not.
 */
export function isAttestation(child: Descriptor): boolean {
  if (child.annotations?.['vnd.docker.reference.type'] !== undefined) return true;
  return child.platform?.os === 'unknown' && child.platform.architecture === 'unknown';
}

/** The children of an index that are images or nested indexes. */
export function imageChildren(index: ImageIndex): Descriptor[] {
  return index.manifests.filter(
    (child) => !isAttestation(child) && (isImageManifestType(child.mediaType) || isIndexType(child.mediaType)),
  );
}

/** Digest by platform key of the children that name their platform. The first of a platform counts, as for engines. */
export function platformsOf(index: ImageIndex): Record<string, Digest> {
  const platforms: Record<string, Digest> = Object.create(null) as Record<string, Digest>;
  for (const child of imageChildren(index)) {
    if (child.platform) platforms[platformKey(child.platform)] ??= child.digest;
  }
  return { ...platforms };
}

/** Parses JSON of this size or less; a message instead of a SyntaxError. @throws InvalidManifestError */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new InvalidManifestError('INVALID_MANIFEST', `the ${what} is not JSON: ${(error as Error).message}`);
  }
}

/** Validates with the first problem in words. @throws InvalidManifestError */
export function check<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'invalid'}`);
}

function isKnown(contentType: string | undefined): contentType is string {
  return isIndexType(contentType) || isImageManifestType(contentType);
}

function invalid(why: string): InvalidManifestError {
  return new InvalidManifestError('INVALID_MANIFEST', `not a usable manifest: ${why}`);
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
