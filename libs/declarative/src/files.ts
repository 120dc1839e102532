import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
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
export const findFiles = async (path: string): Promise<string[]> => {
  if (path === '-') return ['-'];
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && extensions.has(extname(entry.name)))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter(
        (file) =>
          !file
            .slice(path.length)
            .split('/')
            .some((part) => part.startsWith('.')),
      )
      .sort();
    if (files.length > 0) return files;
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
 * @param stdin reads standard input, for `-`
 * @throws PlinthError INVALID_ARGUMENT for a path that cannot be read
 */
export const readFiles = async (paths: readonly string[], stdin: () => Promise<string>): Promise<Read> => {
  const read: Read = { sources: [], problems: [] };
  const seen = new Set<string>();
  for (const path of paths) {
    for (const file of await findFiles(path)) {
      if (seen.has(file)) continue;
      seen.add(file);
      let text: string;
      try {
        text = file === '-' ? await stdin() : await readFile(file, 'utf8');
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
