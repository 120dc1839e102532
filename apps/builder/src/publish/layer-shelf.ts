import { link, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

export interface LayerShelfOptions {
  /** On the same file system as the folders that layers are lent to. */
  readonly dir: string;
  /** Bases that were not built on for longest make room for others. */
  readonly maxBytes: number;
}

export interface ShelvedLayer {
  readonly digest: string;
  readonly size: number;
  readonly file: string;
}

/** Files in which an engine finds, or leaves, a blob of an OCI image layout. */
const blobsOf = (layoutDir: string): string => join(layoutDir, 'blobs', 'sha256');

/**
 * The layers of bases, as the last build on them left them. An engine that is asked for an image writes all of its layers,
 * those of the base included, which are most of it and which the registry has already. Where they lie in the folder
 * beforehand they are neither pulled nor written again: BuildKit's clients look before they write (Buildah does not). They
 * are lent as hard links, so neither lending nor keeping copies anything.
 */
export class LayerShelf {
  constructor(private readonly options: LayerShelfOptions) {}

  /** Puts what is there of these bases (digests) into a folder that is to become an image layout. */
  async lend(bases: Iterable<string>, layoutDir: string): Promise<void> {
    for (const base of bases) {
      const folder = this.#folder(base);
      const names = await readdir(folder).catch(absent);
      if (names === undefined) continue;
      await mkdir(blobsOf(layoutDir), { recursive: true });
      for (const name of names) {
        const [hex = '', size] = name.split('.');
        const file = join(folder, name);
        const found = await stat(file).catch(absent);
        // A machine that lost its power may have kept the name of a file and not its end.
        if (found && found.size === Number(size)) await link(file, join(blobsOf(layoutDir), hex)).catch(absent);
      }
      const now = new Date();
      await utimes(folder, now, now).catch(absent);
    }
  }

  /** Keeps the layers that an image has of this base (digest), until others need the room. */
  async keep(base: string, layers: readonly ShelvedLayer[]): Promise<void> {
    const { maxBytes } = this.options;
    const bytes = layers.reduce((sum, { size }) => sum + size, 0);
    if (layers.length === 0 || bytes > maxBytes) return;
    const folder = this.#folder(base);
    const there = new Set(await readdir(folder).catch(absent));
    const missing = layers.filter((layer) => !there.has(nameOf(layer)));
    if (missing.length === 0) return;
    await mkdir(folder, { recursive: true });
    for (const layer of missing) await link(layer.file, join(folder, nameOf(layer))).catch(absent);
    await this.#makeRoom(maxBytes, folder);
  }

  #folder(base: string): string {
    return join(this.options.dir, hexOf(base));
  }

  async #makeRoom(maxBytes: number, mine: string): Promise<void> {
    const bases = await Promise.all(
      (await readdir(this.options.dir)).map(async (name) => {
        const folder = join(this.options.dir, name);
        const layers = (await readdir(folder).catch(absent)) ?? [];
        const bytes = layers.reduce((sum, layer) => sum + Number(layer.split('.')[1] ?? 0), 0);
        return { folder, bytes, used: folder === mine ? Infinity : ((await stat(folder).catch(absent))?.mtimeMs ?? 0) };
      }),
    );
    let left = maxBytes;
    for (const { folder, bytes } of bases.sort((a, b) => b.used - a.used)) {
      left -= bytes;
      if (left < 0) await rm(folder, { recursive: true, force: true });
    }
  }
}

const nameOf = ({ digest, size }: ShelvedLayer): string => `${hexOf(digest)}.${size}`;

const hexOf = (digest: string): string => digest.slice(digest.indexOf(':') + 1);

/** What another build removed or kept meanwhile, and what this file system cannot link, is done without. */
const withoutIt = new Set(['ENOENT', 'EEXIST', 'EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP']);
const absent = (error: NodeJS.ErrnoException): undefined => {
  if (withoutIt.has(error.code ?? '')) return undefined;
  throw error;
};
