import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * How long a position is worth sending, in milliseconds. Services catch up within moments; and a server whose log was
 * put back from a backup never reaches what it had answered before.
 */
const keptMs = 60_000;

type Positions = Record<string, { readonly position: number; readonly at: number }>;

const read = (file: string, now: number): Positions => {
  try {
    const all = JSON.parse(readFileSync(file, 'utf8')) as Positions;
    const isFresh = ({ position, at }: Positions[string]): boolean =>
      Number.isSafeInteger(position) && at <= now && now - at < keptMs;
    return Object.fromEntries(Object.entries(all).filter(([, one]) => isFresh(one)));
  } catch {
    // None yet, or none that can be read: a read then is as new as the service that answers it.
    return {};
  }
};

/** Position of the log that the command before this one wrote at, on the same server; 0 when that is long ago. */
export const lastPosition = (file: string, server: string, now = Date.now()): number =>
  read(file, now)[server]?.position ?? 0;

/** After a restore: the log is another one. */
export const forgetPositions = (file: string): void => rmSync(file, { force: true });

/** Keeps a position for the next command: what it reads includes what this one wrote. */
export const keepPosition = (file: string, server: string, position: number, now = Date.now()): void => {
  const all = read(file, now);
  if ((all[server]?.position ?? 0) >= position) return;
  const next = `${file}.${process.pid}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(next, JSON.stringify({ ...all, [server]: { position, at: now } }), { mode: 0o600 });
    renameSync(next, file);
  } catch {
    // A home that cannot be written: the next command may read what was there a moment before.
  }
};
