import { Readable } from 'node:stream';
import type { Clock } from '../clock.js';
import type { ObjectBucket, ObjectEntry } from '../ports/objects.js';

export class MemoryObjects implements ObjectBucket {
  readonly #objects = new Map<string, { entry: ObjectEntry; data: Buffer }>();

  constructor(private readonly clock: Clock) {}

  async put(name: string, data: Readable, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of data) chunks.push(Buffer.from(chunk as Uint8Array));
    const all = Buffer.concat(chunks);
    const entry = { name, bytes: all.length, storedAt: this.clock.now(), metadata: { ...metadata } };
    this.#objects.set(name, { entry, data: all });
  }

  info(name: string): Promise<ObjectEntry | undefined> {
    return Promise.resolve(this.#objects.get(name)?.entry);
  }

  get(name: string): Promise<Readable | undefined> {
    const found = this.#objects.get(name);
    return Promise.resolve(found ? Readable.from([found.data]) : undefined);
  }

  delete(name: string): Promise<void> {
    this.#objects.delete(name);
    return Promise.resolve();
  }

  list(): Promise<ObjectEntry[]> {
    return Promise.resolve(Array.from(this.#objects.values(), ({ entry }) => entry));
  }
}
