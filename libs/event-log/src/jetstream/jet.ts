import { readFile } from 'node:fs/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager, JetStreamOptions } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { streams } from '#libs/contracts';
import { systemClock, type Clock } from '../clock.js';
import type { EventLog } from '../log.js';
import { silentLogger, type Logger } from '../logger.js';
import type { BlobStore } from '../ports/blobs.js';
import { ContentStore } from '../ports/content-store.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import type { DispatchQueue } from '../ports/dispatch.js';
import type { KvBucket } from '../ports/kv.js';
import type { ObjectBucket } from '../ports/objects.js';
import type { RunLogs } from '../ports/run-logs.js';
import { JetStreamDeadLetters } from './dead-letters.js';
import { JetStreamDispatch } from './dispatch.js';
import { JetStreamEventLog } from './event-log.js';
import { JetStreamKv } from './kv.js';
import { JetStreamObjects } from './objects.js';
import { check, createKv, provision } from './provision.js';
import { JetStreamRunLogs } from './run-logs.js';
import { requireServer } from './server-version.js';
import { defaultLimits, kvPlans, type Limits } from './streams.js';

export type JetStatus = 'connected' | 'reconnecting' | 'closed';

export interface JetTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface JetOptions {
  readonly servers: string | readonly string[];
  /** Shown by the server for this connection, and the CloudEvents source: `/plinth/<name>`. */
  readonly name: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** File with NATS credentials (.creds): a user's JWT and its seed. */
  readonly credsFile?: string;
  readonly tls?: JetTls;
  /** Own prefix of inboxes, where the server's permissions ask for one. */
  readonly inboxPrefix?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How long the first connection may take; 10 s. Later ones are tried for ever. */
  readonly connectTimeoutMs?: number;
  readonly ackTimeoutMs?: number;
  readonly appendTimeoutMs?: number;
}

/** What services use, on JetStream and in memory alike. */
export interface JetSurface {
  readonly events: EventLog;
  readonly dispatch: DispatchQueue;
  readonly logs: RunLogs;
  readonly dead: DeadLetters;
  /** Creates the streams and buckets; safe to call again. @throws LogError STREAM_DIFFERS */
  provision(limits?: Partial<Limits>): Promise<void>;
  /** What is not as it has to be, in words; changes nothing. */
  check(limits?: Partial<Limits>): Promise<string[]>;
  blobs(bucket: string): BlobStore;
  objects(bucket: string): ObjectBucket;
  /** The time to live is the bucket's own where `provision` makes it; it counts for other buckets. */
  kv(bucket: string, options?: { ttlMs?: number }): KvBucket;
  /** Removes every event before a position. Only the archiver may, and only what is in the archive. */
  purge(before: number): Promise<void>;
  status(): JetStatus;
  /** @returns a function that ends the subscription */
  onStatus(listener: (status: JetStatus) => void): () => void;
  close(): Promise<void>;
}

/** One connection to JetStream, and everything that Plinth keeps there. */
export class Jet implements JetSurface {
  readonly events: EventLog;
  readonly dispatch: DispatchQueue;
  readonly logs: RunLogs;
  readonly dead: DeadLetters;
  readonly #kv = new Map<string, KvBucket>();
  #status: JetStatus = 'connected';
  readonly #listeners = new Set<(status: JetStatus) => void>();

  private constructor(
    readonly connection: NatsConnection,
    readonly js: JetStreamClient,
    readonly jsm: JetStreamManager,
    private readonly options: JetOptions,
  ) {
    this.events = new JetStreamEventLog({
      connection,
      js,
      jsm,
      source: `/plinth/${options.name}`,
      clock: this.clock,
      logger: this.logger,
      ...(options.ackTimeoutMs === undefined ? {} : { ackTimeoutMs: options.ackTimeoutMs }),
      ...(options.appendTimeoutMs === undefined ? {} : { appendTimeoutMs: options.appendTimeoutMs }),
    });
    this.dead = new JetStreamDeadLetters(js, jsm);
    this.dispatch = new JetStreamDispatch({
      connection,
      js,
      jsm,
      dead: this.dead,
      clock: this.clock,
      logger: this.logger,
    });
    this.logs = new JetStreamRunLogs(js, this.clock);
    void this.#follow();
  }

  private get clock(): Clock {
    return this.options.clock ?? systemClock;
  }

  private get logger(): Logger {
    return this.options.logger ?? silentLogger;
  }

  /**
   * @throws LogError SERVER_TOO_OLD
   * @throws the client's error when no server answers in time
   */
  static async connect(options: JetOptions): Promise<Jet> {
    const { user, pass, token, credsFile, tls, inboxPrefix } = options;
    const connection = await connect({
      servers: typeof options.servers === 'string' ? options.servers : [...options.servers],
      name: options.name,
      timeout: options.connectTimeoutMs ?? 10_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 100,
      // A server that does not answer for 20 s is treated as gone.
      pingInterval: 10_000,
      maxPingOut: 2,
      noAsyncTraces: true,
      ...(user === undefined ? {} : { user }),
      ...(pass === undefined ? {} : { pass }),
      ...(token === undefined ? {} : { token }),
      ...(credsFile === undefined ? {} : { authenticator: credsAuthenticator(await readFile(credsFile)) }),
      ...(tls === undefined ? {} : { tls }),
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    });
    try {
      requireServer(connection.info?.version ?? '0.0.0', connection.getServer());
      // checkAPI asks $JS.API.INFO, which a service's credentials need not allow.
      const jsm = await jetstreamManager(connection, { checkAPI: false });
      const js = jetstream(connection, { checkAPI: false } as JetStreamOptions);
      return new Jet(connection, js, jsm, options);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  provision(limits: Partial<Limits> = {}): Promise<void> {
    return provision(this.connection, this.jsm, { ...defaultLimits, ...limits });
  }

  check(limits: Partial<Limits> = {}): Promise<string[]> {
    return check(this.jsm, { ...defaultLimits, ...limits });
  }

  /** What is connected to: its version, its address, and its clock now. */
  async server(): Promise<{ readonly version: string; readonly address: string; readonly time: Date | null }> {
    // Servers say their time in every answer about a stream; the types leave it out.
    const { ts } = (await this.jsm.streams.info(streams.events)) as { ts?: string };
    const { info } = this.connection;
    return {
      version: info?.version ?? '0.0.0',
      address: this.connection.getServer(),
      time: ts === undefined ? null : new Date(ts),
    };
  }

  objects(bucket: string): ObjectBucket {
    return new JetStreamObjects(this.js, bucket);
  }

  blobs(bucket: string): BlobStore {
    return new ContentStore(this.objects(bucket));
  }

  kv(bucket: string, options: { ttlMs?: number } = {}): KvBucket {
    const known = this.#kv.get(bucket);
    if (known) return known;
    const plan = kvPlans.find(({ name }) => name === bucket);
    const ttlMs = plan?.ttlMs ?? options.ttlMs ?? 0;
    const create = plan ? () => Promise.resolve() : () => createKv(this.js, bucket, ttlMs);
    const kv = new JetStreamKv({ js: this.js, jsm: this.jsm, bucket, ttlMs, clock: this.clock, create });
    this.#kv.set(bucket, kv);
    return kv;
  }

  async purge(before: number): Promise<void> {
    await this.jsm.streams.purge(streams.events, { seq: before });
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect' || type === 'reconnecting' || type === 'staleConnection') this.#set('reconnecting');
      if (type === 'reconnect') this.#set('connected');
    }
    this.#set('closed');
  }

  #set(status: JetStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    this.logger.info({ status, server: this.connection.getServer() }, 'connection to nats-server');
    for (const listener of this.#listeners) listener(status);
  }

  status(): JetStatus {
    return this.#status;
  }

  onStatus(listener: (status: JetStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends what is still to be sent, then closes. */
  async close(): Promise<void> {
    if (this.connection.isClosed()) return;
    await (this.#status === 'connected' ? this.connection.drain() : this.connection.close());
    this.#set('closed');
  }

  /** `await using` closes it, whatever happens meanwhile. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
