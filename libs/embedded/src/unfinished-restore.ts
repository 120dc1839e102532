import { rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** There while a restore into the folder is under way, and after one that was broken off. */
const markerOf = (folder: string): string => join(folder, 'restore.unfinished');

export const beginRestore = (folder: string, from: string): Promise<void> =>
  writeFile(markerOf(folder), `${from}\n`, { mode: 0o600 });

export const endRestore = (folder: string): Promise<void> => rm(markerOf(folder), { force: true });

/** A start on half of a log would begin another one. @throws Error that says what to do */
export const refuseUnfinishedRestore = async (folder: string): Promise<void> => {
  if (!existsSync(markerOf(folder))) return;
  throw new Error(
    `A restore into ${folder} was not finished. Repeat it: plinth restore FILE. It goes on where it was broken off.`,
  );
};
