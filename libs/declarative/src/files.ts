import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, resolve } from 'node:path';
import { PlinthError } from '#libs/contracts';
import { readDocuments, type Read } from './read.js';

/** Names of files that are read when a folder is given. */
const extensions = new Set(['.yaml', '.yml', '.json']);

const unreadable = (path: string, error: unknown): PlinthError => {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'there is no such file or folder' : message;
  return new PlinthError('INVALID_ARGUMENT', `${path} cannot be read: ${why}.`, [
    { field: path, message: 'expected a file, a folder, or - for standard input' },
  ]);
};

/**
 * The files that a path stands for: itself, or all YAML and JSON files below a folder, sorted. Hidden ones are left out.
 *
 * @throws PlinthError INVALID_ARGUMENT for a path that is not there, and a folder without such files
 */
export const findFiles = async (path: string, cwd = process.cwd()): Promise<string[]> => {
  if (path === '-') return ['-'];
  try {
    const folder = resolve(cwd, path);
    if (!(await stat(folder)).isDirectory()) return [path];
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && extensions.has(extname(entry.name)))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .filter((file) => !file.split('/').some((part) => part.startsWith('.')))
      .sort();
    if (files.length > 0) return files.map((file) => join(path, file));
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new PlinthError('INVALID_ARGUMENT', `${path} has no .yaml, .yml or .json file in it.`, [
    { field: path, message: 'expected a folder with files to apply' },
  ]);
};

/**
 * The documents of files, and what could not be read as YAML or JSON.
 *
 * @param cwd what relative paths are relative to
 * @param stdin reads standard input, for `-`
 * @throws PlinthError INVALID_ARGUMENT for a path that cannot be read
 */
export const readFiles = async (
  paths: readonly string[],
  { cwd, stdin }: { readonly cwd: string; readonly stdin: () => Promise<string> },
): Promise<Read> => {
  const read: Read = { sources: [], problems: [] };
  const seen = new Set<string>();
  for (const path of paths) {
    for (const file of await findFiles(path, cwd)) {
      if (seen.has(file)) continue;
      seen.add(file);
      let text: string;
      try {
        text = file === '-' ? await stdin() : await readFile(resolve(cwd, file), 'utf8');
      } catch (error) {
        throw unreadable(file, error);
      }
      const { sources, problems } = readDocuments(text, file === '-' ? 'standard input' : file);
      read.sources.push(...sources);
      read.problems.push(...problems);
    }
  }
  return read;
};
