import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { systemClock, type Clock } from '../clock.js';
import type { EventLog } from '../log.js';
import { silentLogger, type Logger } from '../logger.js';
import { JetStreamEventLog } from './event-log.js';
import { check, provision } from './provision.js';
import { requireServer } from './server-version.js';
import { defaultLimits, type Limits } from './streams.js';

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

/** One connection to JetStream, and everything that Plinth keeps there. */
export class Jet {
  readonly events: EventLog;
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
    const { user, pass, token, tls, inboxPrefix } = options;
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
      ...(tls === undefined ? {} : { tls }),
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    });
    try {
      requireServer(connection.info?.version ?? '0.0.0', connection.getServer());
      // checkAPI asks $JS.API.INFO, which a service's credentials need not allow.
      const jsm = await jetstreamManager(connection, { checkAPI: false });
      return new Jet(connection, jetstream(connection), jsm, options);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Creates the streams and buckets; safe to call again. */
  provision(limits: Partial<Limits> = {}): Promise<void> {
    return provision(this.connection, this.jsm, { ...defaultLimits, ...limits });
  }

  /** What is not as it has to be, in words; changes nothing. */
  check(limits: Partial<Limits> = {}): Promise<string[]> {
    return check(this.jsm, { ...defaultLimits, ...limits });
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

  /** @returns a function that ends the subscription */
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
}
