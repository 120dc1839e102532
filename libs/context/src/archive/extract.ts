import { constants } from 'node:fs';
import { chmod, link, lutimes, mkdir, open, symlink, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { withDefaults, type ContextLimits } from '../limits.js';
import type { CheckedArchive } from './check.js';
import { readArchive, type ByteSource, type TarEntry } from './read.js';
import { ArchiveTree, type EntryHeader, type OutsideLinks, type TreeAction } from './tree.js';

export interface ExtractOptions {
  readonly limits?: Partial<ContextLimits>;
  readonly signal?: AbortSignal;
  readonly outsideLinks?: OutsideLinks;
}

interface Times {
  readonly path: string;
  readonly mode: number;
  readonly mtime: number;
}

/**
 * Unpacks an archive into an empty directory that nobody else writes to. Contents, permission bits (never setuid,
 * setgid or sticky; the owner can always read and write) and modification times are the archive's; owners are not.
 * On any error the directory holds a part of the archive: the caller removes it.
 *
 * @throws ContextError INVALID, UNSAFE_ARCHIVE, TOO_LARGE, UNAVAILABLE; the signal's reason
 */
export async function extractArchive(
  stream: ByteSource,
  dir: string,
  options: ExtractOptions = {},
): Promise<CheckedArchive> {
  const limits = withDefaults(options.limits);
  const tree = new ArchiveTree(limits, options.outsideLinks);
  const directories = new Map<string, Times>();
  const linkTimes = new Map<string, number>();

  const visit = async (entry: TarEntry): Promise<void> => {
    const action = tree.accept(entry.header);
    if (action.kind === 'nothing') return;
    // No link is on the disk yet (they come last), so a path can only lead where the tree says.
    for (const path of action.implied) {
      await mkdir(join(dir, path), { mode: 0o755 });
      directories.set(path, { path, mode: 0o755, mtime: 0 });
    }
    const mtime = modifiedAt(entry.header);
    if (action.kind === 'symlink') {
      linkTimes.set(action.path, mtime);
      return;
    }
    if (action.kind === 'directory') {
      if (!directories.has(action.path)) await mkdir(join(dir, action.path), { recursive: true, mode: 0o755 });
      directories.set(action.path, { path: action.path, mode: permissions(entry, 0o700), mtime });
      return;
    }
    if (action.kind === 'hardlink') {
      await link(join(dir, action.target), join(dir, action.path));
      return;
    }
    await writeFile(entry, dir, action, permissions(entry, 0o600), mtime);
  };

  const facts = await readArchive(stream, limits, visit, options.signal);
  for (const { path, target } of tree.symlinks()) {
    await symlink(target, join(dir, path));
    const mtime = linkTimes.get(path) ?? 0;
    await lutimes(join(dir, path), mtime, mtime);
  }
  // Directories last: making something in one changes its time. One that no entry stands for gets 1970, not today.
  for (const { path, mode, mtime } of directories.values()) {
    await chmod(join(dir, path), mode);
    await utimes(join(dir, path), mtime, mtime);
  }
  return { ...facts, entries: tree.entries, unpackedBytes: tree.contentBytes };
}

async function writeFile(
  entry: TarEntry,
  dir: string,
  action: Extract<TreeAction, { kind: 'file' }>,
  mode: number,
  mtime: number,
): Promise<void> {
  const path = join(dir, action.path);
  // A hard link to the earlier content keeps it, as tar does.
  if (action.replaces) await unlink(path);
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
  try {
    for await (const chunk of entry) await file.writeFile(chunk);
    await file.chmod(mode);
    await file.utimes(mtime, mtime);
  } finally {
    await file.close();
  }
}

const permissions = (entry: TarEntry, always: number): number => ((entry.header.mode ?? 0) & 0o777) | always;

const LAST_SECOND = 253_402_300_799; // the year 9999

/** Seconds since 1970; fractions come from the pax header, which is the only one to have them. */
function modifiedAt(header: EntryHeader): number {
  const seconds = Number(header.pax?.['mtime'] ?? (header.mtime?.getTime() ?? 0) / 1000);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), LAST_SECOND) : 0;
}
