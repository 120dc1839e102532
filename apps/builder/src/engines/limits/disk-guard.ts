import { statfs } from 'node:fs/promises';

/** What a build has to be ended for, before the disk of everybody is full. */
export interface DiskUse {
  /** Whether no other build ran meanwhile, so that it was this one and nobody else. */
  readonly isAlone: boolean;
  readonly bytes: number;
}

interface Watched {
  readonly freeAtStart: number;
  alone: boolean;
  readonly end: (use: DiskUse) => void;
}

/** How often the free space is looked at: a disk of today takes a gigabyte in that time at most. */
const everyMs = 250;

/**
 * Ends builds that fill the disk on which the engine keeps what they write. Neither BuildKit nor overlay file systems know
 * quotas, so what is measured is how the free space shrinks while a build runs; builds at the same time share what they
 * may use.
 */
export class DiskGuard {
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** @param limit bytes that each build may take */
  constructor(
    private readonly folder: string,
    private readonly limit: number,
    private readonly freeOf: (folder: string) => Promise<number> = freeBytes,
  ) {}

  /**
   * Runs a build with a signal that aborts when it takes too much; then answers what it took instead.
   * @param signal ends it, too
   */
  async watch<T>(signal: AbortSignal, build: (signal: AbortSignal) => Promise<T>): Promise<T | DiskUse> {
    const controller = new AbortController();
    let used: DiskUse | undefined;
    const watched: Watched = {
      freeAtStart: await this.freeOf(this.folder),
      alone: this.#watched.size === 0,
      end: (use) => {
        used ??= use;
        controller.abort();
      },
    };
    for (const other of this.#watched) other.alone = false;
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => void this.#look(), everyMs);
    try {
      const result = await build(AbortSignal.any([signal, controller.signal]));
      return used ?? result;
    } finally {
      this.#watched.delete(watched);
      if (this.#watched.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    }
  }

  async #look(): Promise<void> {
    // What cannot be looked at now is looked at again.
    const free = await this.freeOf(this.folder).catch(() => undefined);
    if (free === undefined) return;
    const allowed = this.limit * this.#watched.size;
    for (const { freeAtStart, alone, end } of this.#watched) {
      const bytes = freeAtStart - free;
      if (bytes > allowed) end({ isAlone: alone, bytes });
    }
  }
}

export const isDiskUse = (value: object): value is DiskUse => 'isAlone' in value;

const freeBytes = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};
