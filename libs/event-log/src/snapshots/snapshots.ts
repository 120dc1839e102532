import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip } from 'node:zlib';
import Database from 'better-sqlite3';
import { crashPoint } from '../crash-point.js';
import { LogError } from '../errors.js';
import { silentLogger, type Logger } from '../logger.js';
import type { ObjectBucket, ObjectEntry } from '../ports/objects.js';
import type { Projector, SnapshotSource } from '../projection/projector.js';

export interface SnapshotsOptions {
  /** The bucket `snapshots`. */
  readonly objects: ObjectBucket;
  readonly logger?: Logger;
  /** How many are kept of each projection; 2, so that a damaged one has a predecessor. */
  readonly keep?: number;
}

export interface Snapshot {
  /** Projections and their versions, as `Projector.snapshotName` says it. */
  readonly name: string;
  readonly position: number;
}

interface Stored extends Snapshot {
  readonly object: string;
  readonly sha256: string;
}

const stored = ({ name, metadata }: ObjectEntry): Stored => ({
  name: metadata['projection'] ?? '',
  position: Number(metadata['position'] ?? -1),
  object: name,
  sha256: metadata['sha256'] ?? '',
});

const stemOf = (name: string): string => name.replace(/\.[0-9a-f]{12}$/, '');

const hashOf = async (data: Readable): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of data) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
};

/** Copies of projections with their position, so that a new replica does not read the whole log. */
export class Snapshots implements SnapshotSource {
  readonly #objects: ObjectBucket;
  readonly #logger: Logger;
  readonly #keep: number;

  constructor(options: SnapshotsOptions) {
    this.#objects = options.objects;
    this.#logger = options.logger ?? silentLogger;
    this.#keep = options.keep ?? 2;
  }

  /** What is stored, newest first; whether it can be read is another question. */
  async list(name?: string): Promise<Snapshot[]> {
    const found = await this.#list();
    return found.filter((s) => name === undefined || s.name === name).map(({ name, position }) => ({ name, position }));
  }

  async #list(): Promise<Stored[]> {
    return (await this.#objects.list()).map(stored).toSorted((a, b) => b.position - a.position);
  }

  /**
   * Stores a snapshot of the projector's database and reads it back; older ones go. Copying holds up the process,
   * about a second per gigabyte.
   * @throws LogError SNAPSHOT_INVALID when what was stored is not what is read
   */
  async take(projector: Projector): Promise<Snapshot> {
    const file = `${projector.path}.${randomUUID()}.tmp`;
    const name = projector.snapshotName;
    try {
      projector.db.prepare('VACUUM INTO ?').run(file);
      const position = projector.position;
      const sha256 = await hashOf(createReadStream(file));
      const object = `${name}/${position}`;
      const metadata = { projection: name, position: String(position), sha256 };
      const gzip = createGzip({ level: constants.Z_BEST_SPEED });
      const compressed = new PassThrough();
      await Promise.all([
        pipeline(createReadStream(file), gzip, compressed),
        this.#objects.put(object, compressed, metadata),
      ]);
      await this.#verify({ name, position, object, sha256 });
      crashPoint('snapshot.stored');
      await this.#prune(name);
      this.#logger.info({ name, position }, 'snapshot stored');
      return { name, position };
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Position of the newest snapshot that can be read, after reading it; undefined when there is none. */
  async verified(name: string): Promise<number | undefined> {
    for (const snapshot of await this.#list()) {
      if (snapshot.name !== name) continue;
      try {
        await this.#verify(snapshot);
        return snapshot.position;
      } catch (error) {
        this.#logger.warn({ err: error, name, position: snapshot.position }, 'a snapshot is damaged');
      }
    }
    return undefined;
  }

  async #verify(snapshot: Stored): Promise<void> {
    const plain = await this.#open(snapshot);
    if ((await hashOf(plain)) !== snapshot.sha256) throw damaged(snapshot, 'its content has another hash');
  }

  async #open(snapshot: Stored): Promise<Readable> {
    const data = await this.#objects.get(snapshot.object);
    if (!data) throw damaged(snapshot, 'it is gone');
    const gunzip = createGunzip();
    // An error of the source becomes one of what is read.
    data.on('error', (error) => gunzip.destroy(error));
    return data.pipe(gunzip);
  }

  async restore(name: string, path: string, atLeast: number): Promise<number | undefined> {
    for (const snapshot of await this.#list()) {
      if (snapshot.name !== name || snapshot.position < atLeast) continue;
      try {
        await pipeline(await this.#open(snapshot), createWriteStream(path));
        if ((await hashOf(createReadStream(path))) !== snapshot.sha256) {
          throw damaged(snapshot, 'its content has another hash');
        }
        checkDatabase(snapshot, path);
        return snapshot.position;
      } catch (error) {
        await rm(path, { force: true });
        this.#logger.warn({ err: error, name, position: snapshot.position }, 'a snapshot is damaged, trying another');
      }
    }
    return undefined;
  }

  /** Of each version the newest stay; of other versions of the same file only what is as new as these. */
  async #prune(name: string): Promise<void> {
    const all = await this.#list();
    const own = all.filter((s) => s.name === name);
    const oldest = own[Math.min(this.#keep, own.length) - 1]?.position ?? 0;
    const same = all.filter((s) => s.name !== name && stemOf(s.name) === stemOf(name) && s.position < oldest);
    for (const { object } of [...own.slice(this.#keep), ...same]) await this.#objects.delete(object);
  }
}

const checkDatabase = (snapshot: Stored, path: string): void => {
  const db = new Database(path);
  try {
    const position = db.prepare('SELECT position FROM checkpoint').pluck().get();
    if (position !== snapshot.position) throw damaged(snapshot, `it says that it is at ${String(position)}`);
  } finally {
    db.close();
  }
};

const damaged = ({ name, position }: Snapshot, why: string): LogError =>
  new LogError('SNAPSHOT_INVALID', `The snapshot of ${name} at ${position} cannot be used: ${why}.`);
