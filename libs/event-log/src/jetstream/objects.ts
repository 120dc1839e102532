import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { JetStreamClient } from '@nats-io/jetstream';
import { Objm, type ObjectStore } from '@nats-io/obj';
import type { ObjectBucket, ObjectEntry } from '../ports/objects.js';

/** A bucket of NATS' object store. */
export class JetStreamObjects implements ObjectBucket {
  #opened: Promise<ObjectStore> | undefined;

  constructor(
    private readonly js: JetStreamClient,
    private readonly bucket: string,
  ) {}

  #store(): Promise<ObjectStore> {
    this.#opened ??= new Objm(this.js).open(this.bucket).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async put(name: string, data: Readable, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    const store = await this.#store();
    const web = Readable.toWeb(data) as globalThis.ReadableStream<Uint8Array>;
    await store.put({ name, metadata: { ...metadata } }, web, { timeout: 60_000 });
  }

  async info(name: string): Promise<ObjectEntry | undefined> {
    const found = await (await this.#store()).info(name);
    return found && !found.deleted ? entry(found) : undefined;
  }

  async get(name: string): Promise<Readable | undefined> {
    const found = await (await this.#store()).get(name);
    return found ? Readable.from(chunks(found.data as ReadableStream<Uint8Array>, found.error)) : undefined;
  }

  async delete(name: string): Promise<void> {
    if (await this.info(name)) await (await this.#store()).delete(name);
  }

  async list(): Promise<ObjectEntry[]> {
    const found = await (await this.#store()).list();
    return found.filter(({ deleted }) => !deleted).map(entry);
  }
}

const entry = (info: {
  name: string;
  size: number;
  mtime: string;
  metadata?: Record<string, string>;
}): ObjectEntry => ({
  name: info.name,
  bytes: info.size,
  storedAt: new Date(info.mtime),
  metadata: info.metadata ?? {},
});

async function* chunks(data: ReadableStream<Uint8Array>, error: Promise<Error | null>): AsyncGenerator<Uint8Array> {
  for await (const chunk of data) yield chunk;
  const failed = await error;
  if (failed) throw failed;
}
