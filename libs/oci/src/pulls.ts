import { pipeline, type Readable } from 'node:stream';
import { drain, header, readBytes } from './answers.js';
import { digestLike, mismatch, verifying } from './blobs.js';
import { wrapFailure } from './failures.js';
import { about, type CallOptions, pullScope, type Repository } from './operations.js';
import type { Digest } from './reference.js';
import type { Transport } from './transport.js';

export interface BlobStream {
  /** Errors at its end with INVALID_RESPONSE when the bytes are not what the digest names: use nothing before the end. */
  readonly stream: Readable;
  /** Bytes, when the registry says. */
  readonly size?: number;
}

/** A blob as a stream. The caller must read or destroy it. @throws RegistryError NOT_FOUND … */
export async function getBlob(
  transport: Transport,
  repository: Repository,
  digest: Digest,
  options: CallOptions = {},
): Promise<BlobStream> {
  const call = { ...get(repository, digest, options), unbounded: true };
  return transport.send(call, async (answer) => {
    const verified = verifying(digest, call);
    const stream = pipeline(answer.body, verified, () => undefined);
    // What breaks in the middle is told in the registry's name, not as a bare socket error.
    verified._destroy = (error, done) => done(error && wrapFailure(error, call));
    const size = Number(header(answer, 'content-length') ?? Number.NaN);
    return Promise.resolve({ stream, ...(Number.isSafeInteger(size) && { size }) });
  });
}

/** A blob as bytes, verified. @throws RegistryError TOO_LARGE when it is longer than limit bytes */
export async function getBlobBytes(
  transport: Transport,
  repository: Repository,
  digest: Digest,
  limit: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const call = get(repository, digest, options);
  return transport.send(call, async (answer) => {
    const bytes = await readBytes(answer, limit, call);
    const actual = digestLike(bytes, digest);
    if (actual !== digest) throw mismatch(digest, actual, call);
    return bytes;
  });
}

/** Whether the repository has the blob. Some registries refuse HEAD here: that is told as an error, not as absence. */
export async function hasBlob(
  transport: Transport,
  repository: Repository,
  digest: Digest,
  options: CallOptions & { readonly scopes?: readonly string[] } = {},
): Promise<boolean> {
  const call = { ...get(repository, digest, options), method: 'HEAD' as const, doing: 'HEAD blob', accept: [200, 404] };
  return transport.send({ ...call, scopes: options.scopes ?? call.scopes }, async (answer) => {
    await drain(answer);
    return answer.status === 200;
  });
}

function get(repository: Repository, digest: Digest, { signal, retries }: CallOptions) {
  const { registry, repository: name } = repository;
  return {
    ...about({ registry, repository: name, digest }, 'GET blob'),
    method: 'GET' as const,
    target: `/v2/${name}/blobs/${digest}`,
    scopes: [pullScope(repository)],
    accept: [200],
    signal,
    retries,
  };
}
