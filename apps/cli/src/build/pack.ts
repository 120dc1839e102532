import { createReadStream } from 'node:fs';
import { lstat, opendir, readFile, readlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { usageError } from '../errors.js';

/** What az leaves out of a context before it reads .dockerignore; `!.git/**` puts it back. */
const versionControl = ['.git', '.gitignore', '.bzr', 'bzrignore', '.hg', '.hgignore', '.svn'];

interface Entry {
  /** Path in the archive, with slashes. */
  readonly name: string;
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link';
  readonly size: number;
  readonly mode: number;
}

export interface PackedContext {
  /** The archive, .tar.gz. It fails when a file cannot be read. */
  readonly body: Readable;
  /** Where the Dockerfile is in the archive. */
  readonly dockerFilePath: string;
  readonly files: number;
  readonly bytes: number;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const readOptional = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};

const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
};

/** Where the Dockerfile lies: in the context, as az means it, or beside where we stand, as docker does. */
const findDockerfile = async (root: string, file: string, cwd: string): Promise<{ path: string; name: string }> => {
  for (const path of [resolve(root, file), resolve(cwd, file)]) {
    if (!(await isFile(path))) continue;
    const name = relative(root, path);
    if (!name.startsWith('..') && !isAbsolute(name)) return { path, name: name.split(sep).join('/') };
    // Outside of the context: it goes along under a name of its own.
    const hash = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
      .slice(0, 8);
    return { path, name: `${hash}_Dockerfile` };
  }
  throw usageError(`There is no file ${file} in ${root}.`, 'name the Dockerfile with --file');
};

const entriesOf = async (root: string, isIgnored: (name: string) => boolean, prune: boolean): Promise<Entry[]> => {
  const entries: Entry[] = [];
  const visit = async (folder: string): Promise<void> => {
    const children: string[] = [];
    for await (const { name } of await opendir(join(root, folder))) children.push(name);
    for (const child of children.sort()) {
      const name = folder === '' ? child : `${folder}/${child}`;
      const path = join(root, name);
      const stat = await lstat(path);
      const ignored = isIgnored(name);
      const common = { name, path, size: stat.isFile() ? stat.size : 0 };
      if (stat.isDirectory()) {
        if (!ignored) entries.push({ ...common, kind: 'directory', mode: 0o755 });
        // With exceptions (`!…`) in the list, something below may be wanted.
        if (!ignored || !prune) await visit(name);
      } else if (!ignored) {
        if (stat.isSymbolicLink()) entries.push({ ...common, kind: 'link', mode: 0o777 });
        else if (stat.isFile()) entries.push({ ...common, kind: 'file', mode: stat.mode & 0o100 ? 0o755 : 0o644 });
        // Sockets and pipes are no part of a build.
      }
    }
  };
  await visit('');
  return entries;
};

/**
 * Packs a folder as a build context: what .dockerignore leaves, sorted, with one time and owner, so that the same files
 * always give the same archive.
 *
 * @throws CliError (usage) when the folder or the Dockerfile is not there
 */
export const packContext = async (folder: string, file: string, cwd: string): Promise<PackedContext> => {
  const root = resolve(cwd, folder);
  const stat = await lstat(root).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  if (!stat) throw usageError(`There is no folder ${folder}.`, 'name a folder, a git URL or the URL of a .tar.gz');
  if (!stat.isDirectory() && !stat.isSymbolicLink()) throw usageError(`${folder} is no folder.`);
  const dockerfile = await findDockerfile(root, file, cwd);
  const [{ default: ignoring }, { pack }] = await Promise.all([import('@balena/dockerignore'), import('tar-stream')]);
  // A CommonJS module that is its own `default`: the types see one, Node the other.
  const dockerignore = ignoring.default;
  const own = await readOptional(`${dockerfile.path}.dockerignore`);
  const text = own ?? (await readOptional(join(root, '.dockerignore'))) ?? '';
  const list = dockerignore().add(versionControl).add(text);
  const kept = new Set([dockerfile.name, '.dockerignore', `${dockerfile.name}.dockerignore`]);
  const entries = await entriesOf(root, (name) => !kept.has(name) && list.ignores(name), !/^\s*!/m.test(text));
  if (!entries.some(({ name }) => name === dockerfile.name)) {
    const { size } = await lstat(dockerfile.path);
    entries.push({ ...dockerfile, kind: 'file', size, mode: 0o644 });
  }
  const tar = pack();
  const fill = async (): Promise<void> => {
    const mtime = new Date(0);
    for (const { name, path, kind, size, mode } of entries) {
      if (kind === 'directory') tar.entry({ name: `${name}/`, type: 'directory', mode, mtime });
      else if (kind === 'link') tar.entry({ name, type: 'symlink', linkname: await readlink(path), mode, mtime });
      else await pipeline(createReadStream(path), tar.entry({ name, size, mode, mtime }));
    }
    tar.finalize();
  };
  const body = createGzip();
  fill().catch((error: unknown) => body.destroy(error as Error));
  pipeline(tar, body).catch((error: unknown) => body.destroy(error as Error));
  return {
    body,
    dockerFilePath: dockerfile.name,
    files: entries.filter(({ kind }) => kind === 'file').length,
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
  };
};
