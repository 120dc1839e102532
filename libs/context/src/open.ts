import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressPolicy } from '#libs/oci';
import { extractArchive } from './archive/extract.js';
import type { ByteSource } from './archive/read.js';
import type { OutsideLinks } from './archive/tree.js';
import type { ContextPath } from './context-path.js';
import { type ArtifactRegistry, unpackArtifact } from './artifact.js';
import { ContextError, isContextError, wordsOf } from './errors.js';
import { checkOut } from './git/checkout.js';
import { isCommit, lookUp, reach, type RemoteOptions } from './git/remote.js';
import type { ContextLimits } from './limits.js';
import { unpackFrom } from './tarball.js';

export interface OpenedContext {
  /** Root of the context; for git the folder that the path names. Nobody else may write to it. */
  readonly dir: string;
  /** The commit, or the `sha256:…` of the archive. */
  readonly revision: string;
  /** Removes it all. May be called twice. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Build exactly this: a commit, or the digest that the archive must have. */
  readonly revision?: string | null;
  /** For a private source: a token, or `user:password`. */
  readonly accessToken?: string;
  /** Opens an uploaded archive by its digest. What it throws with the code NOT_FOUND means that there is none. */
  readonly archive: (digest: string) => Promise<ByteSource>;
  /** Reads artifacts (`oci://…`), with the logins that it has for their registries. */
  readonly registry?: ArtifactRegistry;
  /** A directory of this process on a disk that has room for the context. */
  readonly workDir: string;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<ContextLimits>;
  /** Which addresses may be connected to; see `FetchOptions`. */
  readonly addressPolicy?: AddressPolicy;
  /** What becomes of symbolic links that leave the context. Default: the context is refused. */
  readonly outsideLinks?: OutsideLinks;
}

/**
 * Brings a build context into a fresh directory that only this user can enter. On failure nothing of it is left.
 * @throws ContextError, see its codes; the signal's reason when the caller gives up
 */
export async function openContext(path: ContextPath, options: OpenOptions): Promise<OpenedContext> {
  options.signal?.throwIfAborted();
  await mkdir(options.workDir, { recursive: true, mode: 0o700 });
  const base = await mkdtemp(join(options.workDir, 'context-'));
  const close = (): Promise<void> => rm(base, { recursive: true, force: true, maxRetries: 3 });
  try {
    await chmod(base, 0o700);
    const { dir, revision } = await bring(path, base, options);
    return { dir, revision, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What a path means at this moment: the commit of its branch or tag, the digest of an upload. Null for an archive on a
 * web server and an artifact in a registry, whose digest nobody knows before it was read.
 * @throws ContextError NOT_FOUND, ACCESS_DENIED, INVALID, UNAVAILABLE
 */
export async function resolveRevision(
  path: ContextPath,
  options: RemoteOptions & { readonly workDir: string },
): Promise<string | null> {
  if (path.kind === 'archive') return path.digest;
  if (path.kind === 'tarball' || path.kind === 'artifact') return null;
  if (path.ref !== null && isCommit(path.ref)) return path.ref;
  const remote = await reach(path.url, options);
  await mkdir(options.workDir, { recursive: true, mode: 0o700 });
  const home = await mkdtemp(join(options.workDir, 'resolve-'));
  try {
    const { commit } = await lookUp(remote, path.ref, { home, ...(options.signal ? { signal: options.signal } : {}) });
    return commit;
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function bring(
  path: ContextPath,
  base: string,
  options: OpenOptions,
): Promise<{ dir: string; revision: string }> {
  if (path.kind === 'git') {
    const { dir, commit } = await checkOut(path, base, options);
    return { dir, revision: commit };
  }
  const expected = options.revision ?? null;
  if (path.kind === 'artifact') {
    if (options.accessToken !== undefined) {
      const why = 'A context in a registry is read with the login of that registry; take contextAccessToken out.';
      throw new ContextError('INVALID', why);
    }
    const { dir, digest } = await unpackArtifact(path.reference, base, options);
    return { dir, revision: digest };
  }
  if (path.kind === 'tarball') {
    const { dir, digest } = await unpackFrom(path.url, base, options);
    if (expected !== null && expected !== digest) throw gone(path.url.replace(/\?.*$/, ''), expected, digest);
    return { dir, revision: digest };
  }
  if (expected !== null && expected !== path.digest) throw gone('The uploaded context', expected, path.digest);
  const dir = join(base, 'root');
  await mkdir(dir, { mode: 0o700 });
  const { digest } = await extractArchive(await uploaded(path.digest, options), dir, options);
  if (digest !== path.digest) {
    throw new ContextError('UNAVAILABLE', `The store gave other bytes (${digest}) for the context ${path.digest}.`);
  }
  return { dir, revision: digest };
}

async function uploaded(digest: string, { archive }: OpenOptions): Promise<ByteSource> {
  try {
    return await archive(digest);
  } catch (error) {
    if (isContextError(error)) throw error;
    if (error instanceof Error && 'code' in error && (error.code === 'NOT_FOUND' || error.code === 'ENOENT')) {
      throw new ContextError('NOT_FOUND', `There is no uploaded context ${digest}; upload it again.`, { cause: error });
    }
    throw new ContextError('UNAVAILABLE', `The context ${digest} cannot be read: ${wordsOf(error)}.`, { cause: error });
  }
}

const gone = (what: string, expected: string, found: string): ContextError =>
  new ContextError(
    'REVISION_GONE',
    `${what} is ${found} now; ${expected}, which was to be built, is not there any more.`,
  );
