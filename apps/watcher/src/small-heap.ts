import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * For a process that mostly waits: its heap grows little beyond what is in use, for more frequent collections. V8 reads
 * both flags each time that it decides how large a generation may become, so they also hold for a heap that exists.
 */
export const keepHeapSmall = (): void => {
  // The young generation stays as it is, instead of doubling up to 64 MiB twice.
  setFlagsFromString('--semi-space-growth-factor=1');
  // The old one is collected when it is a fifth larger than what the last collection left, not at two to four times.
  setFlagsFromString('--heap-growing-percent=20');
};

/** Collects once what a replay left, and gives its pages back to the system; takes as long as a whole collection. */
export const giveBackMemory = (): void => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', flavor: 'last-resort' });
};
