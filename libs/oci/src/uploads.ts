import { Readable, Transform } from 'node:stream';
import { type Answer, drain, header } from './answers.js';
import { mismatch } from './blobs.js';
import { isRegistryError, RegistryError } from './errors.js';
import { isTransient, UploadSourceError } from './failures.js';
import type { Descriptor } from './manifest.js';
import { about, aboutRepository, type CallOptions, pullScope, pushScope, type Repository } from './operations.js';
import { type Digest, isDigest } from './reference.js';
import type { Transport } from './transport.js';

/** Gives the bytes of a blob, anew for each try. */
export type BlobSource = () => Readable | Uint8Array;

/** `offset`: how many bytes it has already. */
type OpenSession = { readonly mounted: false; readonly location: URL; readonly offset: number };
type Session = { readonly mounted: true } | OpenSession;

const UPLOAD_TRIES = 3;
/** Registries with remote storage move the bytes before they answer. */
const COMMIT_MS = 300_000;

/**
 * Makes a blob of another repository of the same registry appear in this one, without transfer.
 * @returns false when the registry would rather have the bytes; the session it opened for them is cancelled
 */
export async function mountBlob(
  transport: Transport,
  target: Repository,
  digest: Digest,
  from: Repository,
  options: CallOptions = {},
): Promise<boolean> {
  const session = await open(transport, target, options, { digest, from });
  if (!session.mounted) await cancel(transport, target, session.location, options);
  return session.mounted;
}

/**
 * Uploads a blob: POST for a session, PUT of the whole. After a failure the session is asked how much it has, and gets the
 * rest; where it cannot say, the next try has a fresh one. (CNCF Distribution gives up a session that broke off.) With `mountFrom` a mount is tried first and its session used when the registry declines.
 * @returns whether bytes were sent
 * @throws RegistryError; UploadSourceError when the source fails
 */
export async function uploadBlob(
  transport: Transport,
  target: Repository,
  blob: Pick<Descriptor, 'digest' | 'size'>,
  source: BlobSource,
  options: CallOptions & { readonly mountFrom?: Repository } = {},
): Promise<{ readonly mounted: boolean }> {
  let resumed: Session | undefined;
  for (let attempt = 1; ; attempt++) {
    const mount = options.mountFrom && attempt === 1 ? { digest: blob.digest, from: options.mountFrom } : undefined;
    const session = resumed ?? (await open(transport, target, options, mount));
    if (session.mounted) return session;
    try {
      await put(transport, target, session, blob, source, options);
      return { mounted: false };
    } catch (error) {
      const again = error instanceof RegistryError && (isTransient(error) || lostSession(error));
      if (!again || attempt >= UPLOAD_TRIES) throw error;
      await transport.pause(attempt - 1, error.retryAfterMs, options.signal);
      resumed = lostSession(error) ? undefined : await progress(transport, target, session, blob.size, options);
    }
  }
}

async function open(
  transport: Transport,
  target: Repository,
  options: CallOptions,
  mount?: { digest: Digest; from: Repository },
): Promise<Session> {
  const call = aboutRepository(target, mount ? 'POST mount' : 'POST upload');
  const query = mount && new URLSearchParams({ mount: mount.digest, from: mount.from.repository });
  const scopes = [pushScope(target), ...(mount ? [pullScope(mount.from)] : [])];
  const path = `/v2/${target.repository}/blobs/uploads/`;
  try {
    return await transport.send(
      {
        ...call,
        method: 'POST',
        target: query ? `${path}?${query.toString()}` : path,
        headers: { 'content-length': '0' },
        scopes,
        accept: mount ? [201, 202] : [202],
        signal: options.signal,
        retries: options.retries,
      },
      async (answer): Promise<Session> => {
        await drain(answer);
        if (answer.status === 201) return { mounted: true };
        return { mounted: false, location: sessionOf(answer, call), offset: 0 };
      },
    );
  } catch (error) {
    // Registries that do not mount, or do not let us read the other repository, may say so in many ways.
    if (mount && isRegistryError(error, 'NOT_FOUND', 'DENIED', 'REJECTED', 'UNAUTHORIZED')) {
      return open(transport, target, options);
    }
    throw error;
  }
}

async function put(
  transport: Transport,
  target: Repository,
  session: OpenSession,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  source: BlobSource,
  options: CallOptions,
): Promise<void> {
  const { signal } = options;
  const { offset } = session;
  // Bytes in the last PUT belong at the end of what is there (distribution-spec, "Pushing a blob in chunks").
  const url = new URL(session.location);
  // Appended by hand: rewriting the whole query would change the session's own state in it.
  url.search += `${url.search ? '&' : ''}digest=${encodeURIComponent(digest)}`;
  const call = about({ registry: target.registry, repository: target.repository, digest }, 'PUT blob');
  let sourceError: Error | undefined;
  try {
    await transport.send(
      {
        ...call,
        method: 'PUT',
        target: url,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(size - offset),
          ...(offset > 0 && { 'content-range': `${offset}-${size - 1}` }),
        },
        body: () => {
          const body = from(source(), offset);
          if (body instanceof Readable) body.once('error', (error: Error) => (sourceError ??= error));
          return body;
        },
        scopes: [pushScope(target)],
        accept: [200, 201, 204],
        retries: 0,
        unbounded: true,
        headersMs: COMMIT_MS,
        signal,
      },
      async (answer) => {
        await drain(answer);
        const stored = header(answer, 'docker-content-digest');
        if (
          stored !== undefined &&
          isDigest(stored) &&
          stored.split(':')[0] === digest.split(':')[0] &&
          stored !== digest
        ) {
          throw mismatch(digest, stored, call);
        }
      },
    );
  } catch (error) {
    if (sourceError && !isRegistryError(sourceError) && !(isRegistryError(error) && error.status !== undefined)) {
      if (!isStreamTornDown(sourceError)) {
        const why = `the bytes of ${digest} could not be read: ${sourceError.message}`;
        throw new UploadSourceError(why, { cause: sourceError });
      }
    }
    throw error;
  }
}

/** What a session has after a failure; undefined when it is not known, or nothing that could be added to. */
async function progress(
  transport: Transport,
  target: Repository,
  session: OpenSession,
  size: number,
  { signal }: CallOptions,
): Promise<OpenSession | undefined> {
  const call = aboutRepository(target, 'GET upload');
  const request = { ...call, method: 'GET', target: session.location, retries: 0 } as const;
  try {
    return await transport.send(
      { ...request, scopes: [pushScope(target)], accept: [204], signal },
      async (answer): Promise<OpenSession | undefined> => {
        await drain(answer);
        const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(header(answer, 'range') ?? '')?.[1];
        const offset = last === undefined ? 0 : Number(last) + 1;
        if (offset <= 1 || offset >= size) return undefined; // `0-0` is what some say of nothing
        const moved = header(answer, 'location') === undefined ? session.location : sessionOf(answer, call);
        return { mounted: false, location: moved, offset };
      },
    );
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return undefined;
  }
}

/** The bytes behind an offset. */
function from(bytes: Readable | Uint8Array, offset: number): Readable | Uint8Array {
  if (offset === 0) return bytes;
  if (!(bytes instanceof Readable)) return bytes.subarray(offset);
  let left = offset;
  const rest = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      done(null, skipped === chunk.length ? undefined : chunk.subarray(skipped));
    },
  });
  bytes.once('error', (error) => rest.destroy(error));
  rest.once('close', () => bytes.destroy());
  return bytes.pipe(rest);
}

async function cancel(transport: Transport, target: Repository, location: URL, options: CallOptions): Promise<void> {
  const call = {
    ...aboutRepository(target, 'DELETE upload'),
    method: 'DELETE',
    target: location,
    retries: 0,
  } as const;
  try {
    await transport.send(
      { ...call, scopes: [pushScope(target)], accept: [200, 202, 204, 404], signal: options.signal },
      drain,
    );
  } catch (error) {
    // Registries expire abandoned sessions by themselves; only the caller's own wish to stop counts.
    if (!isRegistryError(error)) throw error;
  }
}

/** Location may be relative and carry state in its query, which must be sent back as it is. */
function sessionOf(answer: Answer, call: ReturnType<typeof about>): URL {
  const location = header(answer, 'location');
  const url = location === undefined ? null : URL.parse(location, answer.url.href);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new RegistryError('INVALID_RESPONSE', `${call.reference}: the upload session has no usable Location`, call);
  }
  // A registry behind a TLS proxy often believes that it is plain http: what we reached it by is what it is.
  if (url.hostname === answer.url.hostname && url.protocol === 'http:' && answer.url.protocol === 'https:') {
    return new URL(`${url.pathname}${url.search}`, answer.url);
  }
  if (url.protocol === 'http:' && answer.url.protocol === 'https:') {
    const why = `${call.reference}: the upload session is at ${url.host} without https`;
    throw new RegistryError('FORBIDDEN_ADDRESS', why, call);
  }
  return url;
}

/** The session is gone (404) or out of step (416): a fresh one helps. */
function lostSession(error: RegistryError): boolean {
  return error.status === 404 || error.status === 416;
}

/** Errors that a stream gets because its request ended first. */
function isStreamTornDown(error: Error & { code?: string }): boolean {
  return (
    error.name === 'AbortError' ||
    error.code === 'ERR_STREAM_PREMATURE_CLOSE' ||
    /^UND_ERR|^ECONN|^EPIPE/.test(error.code ?? '')
  );
}
