import { type Answer, contentType, drain, header, readBytes } from './answers.js';
import { digestLike, mismatch } from './blobs.js';
import { RegistryError, isRegistryError } from './errors.js';
import { type Manifest, parseManifest } from './manifest.js';
import { isImageManifestType, isIndexType, MANIFEST_ACCEPT } from './media-types.js';
import { about, type CallOptions, deleteScope, MANIFEST_LIMIT, parsed, pullScope, pushScope } from './operations.js';
import { parseRateLimit, type RateLimit } from './rate-limit.js';
import { type Digest, isDigest, type Reference } from './reference.js';
import { TimeLimit } from './time-limit.js';
import type { Transport } from './transport.js';

/** What a probe of a tag tells. */
export interface ManifestHead {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly rateLimit?: RateLimit;
}

export interface FetchedManifest extends ManifestHead {
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

export interface PutResult {
  readonly digest: Digest;
  /** Whether the registry indexed the manifest's subject itself (OCI-Subject), so that no fall-back tag is needed. */
  readonly subjectIndexed: boolean;
}

/** Statuses of registries that know no HEAD, or answer it wrongly: the GET that follows has the truth and the words. */
const HEAD_UNSURE = [400, 403, 404, 405];
const IMMUTABLE = /immutab|cannot be overwritten|already exists|TAG_LOCKED|is locked|\blocked\b/i;

/**
 * The cheap probe: HEAD, which costs no pull on Docker Hub. Falls back to GET, hashing the bytes, when the registry
 * refuses HEAD or leaves out digest, length or type.
 * @returns undefined when there is no such manifest
 */
export async function headManifest(
  transport: Transport,
  ref: Reference,
  options: CallOptions = {},
): Promise<ManifestHead | undefined> {
  if (!transport.hostOf(ref.registry).connections.config.disableHead) {
    const head = await transport.send(
      { ...get(ref, options), method: 'HEAD', doing: 'HEAD manifest', accept: [200, ...HEAD_UNSURE] },
      async (answer) => {
        await drain(answer);
        return answer.status === 200 ? headOf(answer) : undefined;
      },
    );
    if (head && sameAlgorithm(head.digest, ref.digest) && head.digest !== ref.digest) {
      throw mismatch(ref.digest ?? '', head.digest, about(ref, 'HEAD manifest'));
    }
    if (head) return head;
  }
  try {
    const { digest, mediaType, size, rateLimit } = await getManifest(transport, ref, options);
    return { digest, mediaType, size, ...(rateLimit && { rateLimit }) };
  } catch (error) {
    if (isRegistryError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/**
 * The manifest itself. Its digest is computed from the bytes, and must be the one asked for and the one that the
 * registry claims: a registry whose claim is wrong would look changed at every probe.
 * @throws RegistryError NOT_FOUND, INVALID_RESPONSE, UNSUPPORTED_MANIFEST, TOO_LARGE …
 */
export async function getManifest(
  transport: Transport,
  ref: Reference,
  options: CallOptions = {},
): Promise<FetchedManifest> {
  const { disableHead } = transport.hostOf(ref.registry).connections.config;
  const call = get(ref, options);
  return transport.send(call, async (answer) => {
    const bytes = await readBytes(answer, MANIFEST_LIMIT, call);
    const digest = digestLike(bytes, ref.digest);
    if (ref.digest !== undefined && digest !== ref.digest) throw mismatch(ref.digest, digest, call);
    const claimed = header(answer, 'docker-content-digest');
    if (!disableHead && claimed !== undefined && isDigest(claimed) && claimed !== digestLike(bytes, claimed)) {
      throw new RegistryError(
        'INVALID_RESPONSE',
        `${call.reference}: the registry claims the digest ${claimed}, but its bytes are ${digestLike(bytes, claimed)}; ` +
          'if it is known to do so, configure disableHead for it',
        { ...call, status: answer.status },
      );
    }
    const manifest = parsed(ref, () => parseManifest(bytes, contentType(answer)));
    const rateLimit = parseRateLimit(answer.headers);
    const { mediaType } = manifest;
    return { digest, mediaType, size: bytes.length, bytes, manifest, ...(rateLimit && { rateLimit }) };
  });
}

/**
 * Stores a manifest under its digest, or under a tag when `ref` has a tag and no digest. `timeoutMs` bounds all tries
 * together, so that a caller with a lease knows that nothing is written after it.
 * @throws RegistryError TAG_IMMUTABLE when the registry does not move the tag
 */
export async function putManifest(
  transport: Transport,
  ref: Reference,
  mediaType: string,
  bytes: Uint8Array,
  options: CallOptions & { readonly timeoutMs?: number } = {},
): Promise<PutResult> {
  const digest = digestLike(bytes, ref.digest);
  if (ref.digest !== undefined && ref.digest !== digest) {
    throw new RangeError(`the manifest for ${ref.digest} has the digest ${digest}; nothing was pushed`);
  }
  using limit = options.timeoutMs === undefined ? undefined : new TimeLimit(options.timeoutMs, options.signal);
  const signal = limit?.signal ?? options.signal;
  const call = about(ref, 'PUT manifest');
  try {
    return await transport.send(
      {
        ...call,
        method: 'PUT',
        target: manifestPath(ref),
        headers: { 'content-type': mediaType },
        body: () => bytes,
        scopes: [pushScope(ref)],
        accept: [200, 201, 202],
        retries: options.retries,
        ...(signal && { signal }),
      },
      async (answer) => {
        await drain(answer);
        const claimed = header(answer, 'docker-content-digest');
        if (sameAlgorithm(claimed, digest) && claimed !== digest) throw mismatch(digest, claimed ?? '', call);
        return { digest, subjectIndexed: header(answer, 'oci-subject') !== undefined };
      },
    );
  } catch (error) {
    if (limit?.isOver && !options.signal?.aborted) {
      const why = `${call.reference}: PUT manifest took longer than ${options.timeoutMs} ms; it may or may not be stored`;
      throw new RegistryError('TIMEOUT', why, { ...call, cause: error });
    }
    const refused = isRegistryError(error, 'REJECTED', 'DENIED') && error.status !== undefined;
    if (refused && ref.digest === undefined && IMMUTABLE.test(error.message)) {
      throw new RegistryError('TAG_IMMUTABLE', error.message, { ...call, status: error.status, cause: error });
    }
    throw error;
  }
}

/** @returns false when there was no such manifest. @throws RegistryError REJECTED where deletion is switched off */
export async function deleteManifest(
  transport: Transport,
  ref: Reference,
  options: CallOptions = {},
): Promise<boolean> {
  return transport.send(
    {
      ...about(ref, 'DELETE manifest'),
      method: 'DELETE',
      target: manifestPath(ref),
      scopes: [pullScope(ref), deleteScope(ref)],
      accept: [200, 202, 204, 404],
      signal: options.signal,
      retries: options.retries,
    },
    async (answer) => {
      await drain(answer);
      return answer.status !== 404;
    },
  );
}

function get(ref: Reference, { signal, retries }: CallOptions) {
  return {
    ...about(ref, 'GET manifest'),
    method: 'GET' as const,
    target: manifestPath(ref),
    headers: { accept: MANIFEST_ACCEPT },
    scopes: [pullScope(ref)],
    accept: [200],
    signal,
    retries,
  };
}

function manifestPath({ repository, digest, tag }: Reference): string {
  return `/v2/${repository}/manifests/${digest ?? tag ?? 'latest'}`;
}

/** Complete answers only: anything missing, or a type that is no manifest's, is better learnt from the bytes. */
function headOf(answer: Answer): ManifestHead | undefined {
  const digest = header(answer, 'docker-content-digest');
  const length = header(answer, 'content-length');
  const mediaType = contentType(answer);
  if (digest === undefined || !isDigest(digest) || length === undefined || !/^[1-9]\d*$/.test(length)) return undefined;
  if (mediaType === undefined || !(isIndexType(mediaType) || isImageManifestType(mediaType))) return undefined;
  const rateLimit = parseRateLimit(answer.headers);
  return { digest, mediaType, size: Number(length), ...(rateLimit && { rateLimit }) };
}

function sameAlgorithm(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a.split(':')[0] === b.split(':')[0];
}
