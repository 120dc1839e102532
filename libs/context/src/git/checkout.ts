import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extractArchive, type ExtractOptions } from '../archive/extract.js';
import type { ContextPath } from '../context-path.js';
import { ContextError, isContextError, shown } from '../errors.js';
import { bytesInWords, withDefaults } from '../limits.js';
import { git, type GitResult, type GitRun } from './program.js';
import { type Submodule, submodulesOf } from './submodules.js';
import { failureOf, isCommit, lookUp, reach, type Remote, type RemoteOptions } from './remote.js';

export type GitPath = Extract<ContextPath, { kind: 'git' }>;

export interface CheckoutOptions extends RemoteOptions, ExtractOptions {
  readonly revision?: string | null;
}

/** What all repositories of one context may cost together. */
interface Budget {
  unpackedBytes: number;
  entries: number;
  repositories: number;
}

const mostRepositories = 50;
const deepestSubmodule = 5;

/**
 * Brings one commit of a repository into `base` (an empty directory of ours) without its history, its submodules
 * included, and unpacks the files through the same checks as any archive. Their times are that of the commit, so the same commit gives the same
 * layers each time.
 *
 * @returns the directory that is the context, and the commit
 * @throws ContextError; the signal's reason
 */
export async function checkOut(
  path: GitPath,
  base: string,
  options: CheckoutOptions,
): Promise<{ dir: string; commit: string }> {
  const { unpackedBytes, entries } = withDefaults(options.limits);
  return checkOutWithin(path, base, options, { unpackedBytes, entries, repositories: mostRepositories }, 0);
}

async function checkOutWithin(
  path: GitPath,
  base: string,
  options: CheckoutOptions,
  budget: Budget,
  depth: number,
): Promise<{ dir: string; commit: string }> {
  const remote = await reach(path.url, options);
  const home = join(base, 'git');
  const root = join(base, 'root');
  await mkdir(home, { mode: 0o700 });
  await mkdir(root, { mode: 0o700 });
  const { unpackedBytes, entries } = budget;
  const limits = { ...withDefaults(options.limits), unpackedBytes, entries };
  const run = { home, fileBytes: limits.compressedBytes, ...(options.signal ? { signal: options.signal } : {}) };
  const commit = await fetched(path, remote, run, options.revision ?? null);

  // The names are told apart from options by `--`; a folder is meant as it is written, not as a pattern.
  const args = ['--literal-pathspecs', 'archive', '--format=tar', commit, '--', ...(path.folder ? [path.folder] : [])];
  let unreadable: unknown = null;
  const result = await git({
    ...run,
    args,
    consume: async (stdout) => {
      const unpacked = await extractArchive(stdout, root, {
        ...options,
        limits: { ...limits, compressedBytes: limits.unpackedBytes },
      }).catch((error: unknown) => {
        // When git failed there is no archive to read; what git says is the better reason.
        if (!isContextError(error) || error.code !== 'INVALID') throw error;
        unreadable = error;
        return undefined;
      });
      budget.unpackedBytes -= unpacked?.bytes ?? 0;
      budget.entries -= unpacked?.entries ?? 0;
    },
  });
  if (result.code !== 0 && path.folder !== null && /did not match any files/.test(result.stderr)) {
    throw new ContextError('NOT_FOUND', `There is no folder ${shown(path.folder)} in ${path.url} at ${commit}.`);
  }
  if (result.code !== 0) throw failureOf(result, remote);
  if (unreadable !== null) throw unreadable;
  const isWanted = (place: string): boolean => path.folder === null || `${place}/`.startsWith(`${path.folder}/`);
  for (const submodule of await submodulesOf(run, commit, path.url)) {
    if (isWanted(submodule.path)) await bringSubmodule(submodule, { path, root, base, options, budget, depth });
  }
  return { dir: path.folder === null ? root : join(root, path.folder), commit };
}

interface Parent {
  readonly path: GitPath;
  readonly root: string;
  readonly base: string;
  readonly options: CheckoutOptions;
  readonly budget: Budget;
  readonly depth: number;
}

/** Puts another repository's files where the archive has an empty directory; the token goes to the same server only. */
async function bringSubmodule({ path, url, commit }: Submodule, parent: Parent): Promise<void> {
  const { root, base, options, budget, depth } = parent;
  const number = budget.repositories--;
  if (number === 0 || depth === deepestSubmodule) {
    const limit = `${mostRepositories} submodules, and ${deepestSubmodule} within each other`;
    throw new ContextError('TOO_LARGE', `${parent.path.url} has more than ${limit}.`);
  }
  const home = join(base, `submodule-${number}`);
  await mkdir(home, { mode: 0o700 });
  const { accessToken: token, ...rest } = options;
  const isSameServer = new URL(url).origin === new URL(parent.path.url).origin;
  try {
    const { dir } = await checkOutWithin(
      { kind: 'git', url, ref: null, folder: null },
      home,
      { ...rest, revision: commit, ...(token !== undefined && isSameServer && { accessToken: token }) },
      budget,
      depth + 1,
    );
    const place = join(root, path);
    await rm(place, { recursive: true, force: true });
    await rename(dir, place);
    await rm(home, { recursive: true, force: true });
  } catch (error) {
    if (!isContextError(error)) throw error;
    // The revision of the context is there; what it names is not.
    const code = error.code === 'REVISION_GONE' ? 'NOT_FOUND' : error.code;
    throw new ContextError(code, `The submodule ${shown(path)} cannot be read. ${error.message}`, { cause: error });
  }
}

type Run = Pick<GitRun, 'home' | 'signal'> & { readonly fileBytes: number };

async function fetched(path: GitPath, remote: Remote, run: Run, revision: string | null): Promise<string> {
  if (revision !== null && !isCommit(revision)) {
    throw new ContextError(
      'INVALID',
      `${shown(revision)} is no commit; a revision is its 40 (or 64) hexadecimal digits.`,
    );
  }
  const exact = revision ?? (path.ref !== null && isCommit(path.ref) ? path.ref : null);
  const wanted = exact === null ? await lookUp(remote, path.ref, run) : { name: exact, commit: exact };
  await prepared(run, wanted.commit.length === 64);

  const shallow = await fetch(remote, run, ['--depth=1', '--', remote.url, wanted.name]);
  if (shallow.code !== 0 && exact === null) throw failureOf(shallow, remote);
  if (shallow.code !== 0) {
    const failure = failureOf(shallow, remote);
    if (failure.code !== 'UNAVAILABLE') throw failure;
    // Servers may refuse to give a commit by its name (uploadpack.allowAnySHA1InWant); then it comes with its branch.
    const all = await fetch(remote, run, ['--', remote.url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']);
    if (all.code !== 0) throw failureOf(all, remote);
  }
  const parsed = await git({
    ...run,
    args: ['rev-parse', '--verify', '--quiet', `${exact ?? 'FETCH_HEAD'}^{commit}`],
  });
  const commit = parsed.stdout.trim();
  if (parsed.code === 0 && isCommit(commit)) return commit;
  if (revision !== null) {
    throw new ContextError(
      'REVISION_GONE',
      `Commit ${revision} is not in ${path.url} any more; it was probably removed by a forced push.`,
    );
  }
  if (exact !== null) throw new ContextError('NOT_FOUND', `There is no commit ${exact} in ${path.url}.`);
  throw new ContextError(
    'INVALID',
    `${shown(path.ref ?? 'HEAD')} of ${path.url} is a tag of something else than a commit.`,
  );
}

async function prepared(run: Run, sha256: boolean): Promise<void> {
  const format = sha256 ? ['--object-format=sha256'] : [];
  const made = await git({ ...run, args: ['init', '--quiet', '--bare', '--template=', ...format, '.'] });
  if (made.code !== 0)
    throw new ContextError('UNAVAILABLE', `git cannot make a repository here: ${made.stderr.trim()}`);
  await mkdir(join(run.home, 'info'), { recursive: true });
  // A build sees the files of the commit, not those that the project would ship as its own archive.
  await writeFile(join(run.home, 'info', 'attributes'), '* -export-ignore -export-subst\n');
}

/** @throws ContextError TOO_LARGE */
async function fetch(remote: Remote, run: Run, args: string[]): Promise<GitResult> {
  const result = await git({
    ...run,
    config: remote.config,
    args: ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', ...args],
  });
  if (result.code !== 0 && (await outgrew(run))) {
    throw new ContextError(
      'TOO_LARGE',
      `${remote.url} is larger than the ${bytesInWords(run.fileBytes)} that a context may have as it travels.`,
    );
  }
  return result;
}

/** Whether a pack stopped at the limit: the kernel ends its writer there, which leaves no words behind. */
async function outgrew({ home, fileBytes }: Run): Promise<boolean> {
  const packs = join(home, 'objects', 'pack');
  const sizes = (await readdir(packs)).map(async (name) => (await stat(join(packs, name))).size);
  return (await Promise.all(sizes)).some((size) => size >= fileBytes);
}
