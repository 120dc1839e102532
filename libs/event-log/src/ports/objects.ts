import type { Readable } from 'node:stream';

export interface ObjectEntry {
  readonly name: string;
  readonly bytes: number;
  readonly storedAt: Date;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Named objects with metadata: what blobs and snapshots stand on. */
export interface ObjectBucket {
  put(name: string, data: Readable, metadata?: Readonly<Record<string, string>>): Promise<void>;
  info(name: string): Promise<ObjectEntry | undefined>;
  get(name: string): Promise<Readable | undefined>;
  delete(name: string): Promise<void>;
  list(): Promise<ObjectEntry[]>;
}
