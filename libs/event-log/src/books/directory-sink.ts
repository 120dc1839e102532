import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ArchiveSink } from './archive.js';

/** Books in a directory, which may be a mounted volume. Files are synced before they get their name. */
export class DirectorySink implements ArchiveSink {
  constructor(private readonly directory: string) {}

  #path(name: string): string {
    if (basename(name) !== name) throw new Error(`${name} is not a plain file name.`);
    return join(this.directory, name);
  }

  async write(name: string, data: AsyncIterable<Uint8Array>): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const unfinished = this.#path(`.${name}.${randomUUID()}`);
    try {
      const file = await open(unfinished, 'wx');
      try {
        for await (const chunk of data) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(unfinished, this.#path(name));
      const directory = await open(this.directory, 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  async read(name: string): Promise<Readable | undefined> {
    const path = this.#path(name);
    const found = await stat(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
    return found ? createReadStream(path) : undefined;
  }
}
