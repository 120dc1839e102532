import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

/** The repository, whether this runs from source or from `dist`. */
export const repositoryRoot = root.endsWith('/dist') ? resolve(root, '..') : root;

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * Path of a program that tests start: from PATH, else what `scripts/tools.mjs` unpacked.
 * @throws Error that says how to get it
 */
export const toolPath = (name: string): string => {
  const own = join(repositoryRoot, '.plinth/tools/bin', name);
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = [...folders.map((folder) => join(folder, name)), own].find(isExecutable);
  if (found) return found;
  throw new Error(`${name} is neither on PATH nor in ${own}. To get it, run: node scripts/tools.mjs`);
};
