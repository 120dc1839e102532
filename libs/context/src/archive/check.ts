import { withDefaults, type ContextLimits } from '../limits.js';
import { readArchive, type ByteSource, type TarEntry } from './read.js';
import { ArchiveTree, type OutsideLinks } from './tree.js';

export interface CheckedArchive {
  /** `sha256:…` of the archive as it was sent. */
  readonly digest: string;
  /** Its size as it was sent. */
  readonly bytes: number;
  /** Files, links and directories. */
  readonly entries: number;
  /** Bytes of file contents. */
  readonly unpackedBytes: number;
}

/**
 * Reads a whole archive without touching the disk and refuses it where {@link extractArchive} would.
 * @throws ContextError INVALID, UNSAFE_ARCHIVE, TOO_LARGE, UNAVAILABLE
 */
export async function checkArchive(
  stream: ByteSource,
  limits?: Partial<ContextLimits>,
  options: { signal?: AbortSignal; outsideLinks?: OutsideLinks } = {},
): Promise<CheckedArchive> {
  const all = withDefaults(limits);
  const tree = new ArchiveTree(all, options.outsideLinks);
  const visit = (entry: TarEntry): Promise<void> => {
    tree.accept(entry.header);
    return Promise.resolve();
  };
  const facts = await readArchive(stream, all, visit, options.signal);
  tree.symlinks();
  return { ...facts, entries: tree.entries, unpackedBytes: tree.contentBytes };
}
