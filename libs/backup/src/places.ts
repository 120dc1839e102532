import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { PlinthError } from '#libs/contracts';
import { backupInvalid } from './manifest.js';

/** A backup that can be read: files by name, from a folder or a tar archive. */
export interface BackupFiles {
  text(name: string): Promise<string>;
  read(name: string): AsyncIterable<Uint8Array>;
}

/** A file name says that it is an archive; anything else is a folder. */
export const isArchive = (path: string): boolean => extname(path) === '.tar';

/** @throws PlinthError ALREADY_EXISTS for a place that is taken: a backup never replaces another one */
export const requireFree = async (path: string): Promise<void> => {
  if (!existsSync(path)) return;
  if (!isArchive(path) && (await stat(path)).isDirectory() && (await readdir(path)).length === 0) return;
  throw new PlinthError('ALREADY_EXISTS', `${path} is there already. Name a file or folder that is not.`);
};

/** Puts a finished folder in its place, packed where the name asks for it. What is broken off keeps the other name. */
export const place = async (folder: string, path: string): Promise<void> => {
  if (!isArchive(path)) {
    // Takes the place of an empty folder, and of nothing that came meanwhile.
    await rename(folder, path);
    return;
  }
  const unfinished = `${path}.partial`;
  // One that is there keeps its owner and permissions, or leads elsewhere; keys may go into it.
  await rm(unfinished, { force: true });
  const archive = pack();
  const packing = async (): Promise<void> => {
    for (const name of await filesOf(folder)) {
      const file = join(folder, name);
      const { size } = await stat(file);
      await pipeline(createReadStream(file), archive.entry({ name, size, mode: 0o600 }));
    }
    archive.finalize();
  };
  await Promise.all([
    pipeline(archive, createWriteStream(unfinished, { flags: 'wx', mode: 0o600, flush: true })),
    packing(),
  ]);
  await rename(unfinished, path);
  await rm(folder, { recursive: true, force: true });
};

/** The manifest first: it says what the rest is. */
const filesOf = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort((a, b) => Number(a.includes('/')) - Number(b.includes('/')) || (a < b ? -1 : 1));
};

/** @throws PlinthError NOT_FOUND */
export const openBackup = async (path: string): Promise<BackupFiles> => {
  if (!existsSync(path)) throw new PlinthError('NOT_FOUND', `There is no backup at ${path}.`);
  return (await stat(path)).isDirectory() ? new FolderFiles(path) : new ArchiveFiles(path);
};

class FolderFiles implements BackupFiles {
  constructor(private readonly folder: string) {}
  async text(name: string): Promise<string> {
    try {
      return await readFile(join(this.folder, name), 'utf8');
    } catch (error) {
      throw missing(name, this.folder, error);
    }
  }
  async *read(name: string): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(join(this.folder, name)) as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw missing(name, this.folder, error);
    }
  }
}

class ArchiveFiles implements BackupFiles {
  constructor(private readonly file: string) {}
  async text(name: string): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.read(name)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }
  async *read(name: string): AsyncGenerator<Uint8Array> {
    const archive = extract();
    const source = createReadStream(this.file);
    const reading = pipeline(source, archive);
    reading.catch(() => undefined); // the loop below sees it too
    try {
      for await (const entry of archive) {
        if (entry.header.name === name) {
          yield* entry as AsyncIterable<Uint8Array>;
          return;
        }
        entry.resume();
      }
    } catch (error) {
      throw missing(name, this.file, error);
    } finally {
      source.destroy();
    }
    throw missing(name, this.file);
  }
}

const missing = (name: string, path: string, error?: unknown): PlinthError => {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  return backupInvalid(
    error === undefined || code === 'ENOENT'
      ? `${path} has no ${name} in it`
      : `${name} in ${path} cannot be read (${message})`,
  );
};

export const ensureFolder = (path: string): Promise<string | undefined> =>
  mkdir(dirname(path), { recursive: true, mode: 0o700 });
