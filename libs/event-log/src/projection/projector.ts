import { renameSync } from 'node:fs';
import type Database from 'better-sqlite3';
import type { DataSource } from 'typeorm';
import { systemClock, type Clock } from '../clock.js';
import { crashPoint } from '../crash-point.js';
import { LogError, positionAhead, positionPurged } from '../errors.js';
import type { EventLog, RecordedEvent } from '../log.js';
import { silentLogger, type Logger } from '../logger.js';
import { openDatabase, otherVersions, removeDatabase, versionedFile } from './database.js';
import { PositionWaiters } from './position-waiters.js';
import type { Projection } from './projection.js';

/** Where a replica on an empty disk finds what another one projected already. */
export interface SnapshotSource {
  /**
   * Writes the newest usable snapshot at `path` and answers its position; undefined when there is none.
   * @param atLeast a snapshot before this position is of no use: the events after it are gone
   */
  restore(name: string, path: string, atLeast: number): Promise<number | undefined>;
}

export type BatchListener = (events: readonly RecordedEvent[], caughtUp: boolean) => void;

export interface ProjectorOptions {
  readonly log: EventLog;
  /** Such as `/var/lib/plinth/graph.sqlite`; the real name also carries the versions of the projections. */
  readonly file: string;
  readonly projections: readonly Projection[];
  readonly snapshots?: SnapshotSource;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** A snapshot is taken on an empty disk when it saves at least this many events; 50,000. */
  readonly snapshotSaves?: number;
  readonly maxBatch?: number;
}

/**
 * Reads the whole log in batches. Each batch is one transaction that also holds the checkpoint, so every event has
 * its effect exactly once, whenever the process dies.
 */
export class Projector {
  readonly #options: ProjectorOptions;
  readonly #logger: Logger;
  readonly #path: string;
  readonly #listeners = new Set<BatchListener>();
  readonly #waiters: PositionWaiters;
  readonly #stop = new AbortController();
  readonly #failure = Promise.withResolvers<Error>();
  #open: { dataSource: DataSource; db: Database.Database } | undefined;
  #running: Promise<void> | undefined;
  #position = 0;
  #caughtUp = false;

  constructor(options: ProjectorOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#path = versionedFile(options.file, options.projections);
    this.#waiters = new PositionWaiters(options.clock ?? systemClock);
  }

  /** Position of the last event whose effect is in the database. */
  get position(): number {
    return this.#position;
  }

  /** Nothing was behind the last batch when it was sent. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Resolves with the reason when the projector had to stop; stays open while all is well. */
  get failed(): Promise<Error> {
    return this.#failure.promise;
  }

  /** The file that it writes. */
  get path(): string {
    return this.#path;
  }

  /** Names this set of projections in these versions; snapshots carry it. */
  get snapshotName(): string {
    return this.#path.replace(/^.*\//, '').replace(/\.sqlite$/, '');
  }

  get dataSource(): DataSource {
    return this.#opened.dataSource;
  }

  get db(): Database.Database {
    return this.#opened.db;
  }

  get #opened(): { dataSource: DataSource; db: Database.Database } {
    if (!this.#open) throw new Error(`The projector of ${this.#options.file} is not started: await start() first.`);
    return this.#open;
  }

  /**
   * Opens the database (from a snapshot, where that helps) and begins to read. Resolves before it has caught up.
   * @throws LogError POSITION_AHEAD, POSITION_PURGED
   */
  async start(): Promise<void> {
    const { log, projections } = this.#options;
    const range = await log.range();
    this.#open = await openDatabase(this.#path, projections);
    this.#position = this.#checkpoint();
    if (await this.#fromSnapshot(range.first, range.last)) this.#position = this.#checkpoint();
    if (this.#position > range.last || this.#position + 1 < range.first) {
      await this.#close();
      if (this.#position > range.last) throw positionAhead(this.#position, range.last);
      throw positionPurged(this.#position, range.first);
    }
    for (const projection of projections) projection.open(this.db);
    this.#running = this.#run();
  }

  #checkpoint(): number {
    return this.db.prepare<[], number>('SELECT position FROM checkpoint').pluck().get() ?? 0;
  }

  async #fromSnapshot(first: number, last: number): Promise<boolean> {
    const { snapshots, projections, snapshotSaves = 50_000 } = this.#options;
    const needed = this.#position + 1 < first;
    if (!snapshots || !(needed || (this.#position === 0 && last >= snapshotSaves))) return false;
    const fetched = `${this.#path}.snapshot`;
    removeDatabase(fetched);
    const atLeast = needed ? first - 1 : snapshotSaves;
    const position = await snapshots.restore(this.snapshotName, fetched, atLeast);
    if (position === undefined || position > last) {
      removeDatabase(fetched);
      return false;
    }
    await this.#close();
    removeDatabase(this.#path);
    renameSync(fetched, this.#path);
    this.#open = await openDatabase(this.#path, projections);
    this.#logger.info({ position, file: this.#path }, 'projection restored from a snapshot');
    return true;
  }

  async #run(): Promise<void> {
    const { log, projections, maxBatch } = this.#options;
    const write = this.db.prepare<[number]>('UPDATE checkpoint SET position = ?');
    const transaction = this.db.transaction((events: readonly RecordedEvent[]) => {
      for (const event of events) {
        for (const projection of projections) {
          try {
            projection.apply(event);
          } catch (cause) {
            throw applyFailed(projection, event, cause);
          }
        }
      }
      for (const projection of projections) projection.flush?.();
      write.run(events[events.length - 1]?.sequence ?? this.#position);
    });
    try {
      const signal = this.#stop.signal;
      for await (const { events, caughtUp } of log.read({ after: this.#position, signal, maxBatch })) {
        if (events.length > 0) {
          transaction.immediate(events);
          crashPoint('projection.committed');
          this.#position = events[events.length - 1]?.sequence ?? this.#position;
        }
        if (caughtUp && !this.#caughtUp) this.#removeOldVersions();
        this.#caughtUp = caughtUp;
        for (const listener of this.#listeners) listener(events, caughtUp);
        this.#waiters.reached(this.#position);
      }
    } catch (error) {
      this.#caughtUp = false;
      this.#logger.error({ err: error, position: this.#position, file: this.#path }, 'projector stopped');
      this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#waiters.end();
    }
  }

  #removeOldVersions(): void {
    for (const path of otherVersions(this.#options.file, this.#path)) {
      this.#logger.info({ path }, 'removing the projection of an earlier version');
      removeDatabase(path);
    }
  }

  /**
   * Resolves true when the effect of the event at this position is in the database, false when that did not happen
   * in time, the signal was aborted, or the projector stopped.
   */
  waitFor(position: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean> {
    if (position <= this.#position) return Promise.resolve(true);
    return this.#waiters.wait(position, options);
  }

  /**
   * Called after each commit, in order. A listener that throws stops the projector.
   * @returns a function that ends the subscription
   */
  onBatch(listener: BatchListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends after the batch in hand, and closes the database. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#close();
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open?.dataSource.isInitialized) await open.dataSource.destroy();
  }
}

const applyFailed = (projection: Projection, event: RecordedEvent, cause: unknown): LogError =>
  new LogError(
    'PROJECTION_FAILED',
    `Projection ${projection.name} (version ${projection.version}) could not take event ${event.sequence}, ` +
      `${event.type} of ${event.aggregate.id}: ${cause instanceof Error ? cause.message : String(cause)}. ` +
      'Nothing from there on was applied: correct the projection, raise its version, and start again.',
    { cause },
  );
