import { ContextError, shown } from '../errors.js';
import { git, type GitRun } from './program.js';

/** Another repository at a place of this one (gitmodules(5)). */
export interface Submodule {
  /** Relative to the root of the commit. */
  readonly path: string;
  readonly url: string;
  readonly commit: string;
}

type Run = Pick<GitRun, 'home' | 'signal'>;

/**
 * The submodules of a commit: where both `.gitmodules` and a link in its tree say so. A link without an address stays an
 * empty directory, as git leaves it.
 * @param parent address of the repository, which relative ones are relative to
 * @throws ContextError INVALID for an address that is not fetched from
 */
export async function submodulesOf(run: Run, commit: string, parent: string): Promise<Submodule[]> {
  const args = [
    'config',
    '--blob',
    `${commit}:.gitmodules`,
    '--null',
    '--get-regexp',
    String.raw`^submodule\..+\.(path|url)$`,
  ];
  const { code, stdout } = await git({ ...run, args });
  // No such file, or nothing in it.
  if (code !== 0) return [];
  const named = new Map<string, { path?: string; url?: string }>();
  for (const entry of stdout.split('\0')) {
    const [, name, key, value] = /^submodule\.(.+)\.(path|url)\n([^]*)$/.exec(entry) ?? [];
    if (name === undefined || value === undefined) continue;
    named.set(name, { ...named.get(name), [key === 'url' ? 'url' : 'path']: value });
  }
  const found: Submodule[] = [];
  for (const { path, url } of named.values()) {
    if (path === undefined || url === undefined) continue;
    const linked = await linkAt(run, commit, path);
    if (linked !== undefined) found.push({ path, url: addressOf(url, parent, path), commit: linked });
  }
  return found;
}

/** The commit that the tree has at this path; undefined when it has anything else there. */
async function linkAt(run: Run, commit: string, path: string): Promise<string | undefined> {
  const args = ['--literal-pathspecs', 'ls-tree', '--full-tree', '-z', commit, '--', path];
  const { code, stdout } = await git({ ...run, args });
  const [, id, name] = /^160000 commit ([0-9a-f]+)\t([^\0]+)\0$/.exec(stdout) ?? [];
  return code === 0 && name === path ? id : undefined;
}

/** Relative addresses begin with `./` or `../`, and continue the parent's path (git-submodule(1), "add"). */
function addressOf(url: string, parent: string, path: string): string {
  const isRelative = /^\.\.?\//.test(url);
  const what = `The submodule ${shown(path)}`;
  if (!isRelative && !/^https?:\/\//i.test(url)) {
    throw new ContextError(
      'INVALID',
      `${what} is at ${shown(url)}; only https addresses and relative ones are fetched.`,
    );
  }
  if (!URL.canParse(url, `${parent}/`))
    throw new ContextError('INVALID', `${what} has the address ${shown(url)}, which is none.`);
  const address = new URL(url, `${parent}/`);
  if (address.username !== '' || address.password !== '') {
    throw new ContextError('INVALID', `${what} has a user name or token in its address, which everybody can read.`);
  }
  if (address.protocol !== 'https:' && new URL(parent).protocol === 'https:') {
    throw new ContextError('INVALID', `${what} is fetched over http from a repository that is fetched over https.`);
  }
  return address.href.replace(/\/$/, '');
}
