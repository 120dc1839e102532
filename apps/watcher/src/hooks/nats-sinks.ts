import { connect, credsAuthenticator, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { Notifications, RegistryDefinition } from '#libs/contracts';
import { sleep, type Clock, type Logger } from '#libs/event-log';
import type { HookRequest } from './dialect.js';

type NatsSink = NonNullable<Notifications['nats']>;

export interface NatsSinksDependencies {
  readonly registries: {
    definitionOf(host: string): RegistryDefinition | undefined;
    all(): Iterable<RegistryDefinition>;
  };
  readonly secrets: { open(ref: string): Promise<string> };
  /** Takes a notification whose sender is known as genuine. @throws HookFormatError and its like for what is none */
  readonly take: (dialect: string, host: string, request: HookRequest, notifications: Notifications) => void;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Listening {
  /** The settings that it was begun with. */
  readonly settings: string;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

/** Of several watchers each message is taken by one. */
const queue = 'plinth-watcher';
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/**
 * Listens to registries that publish what they tell on a NATS server, such as zot's NATS sink. Who may publish on the
 * subject is that server's to say: the login there is the proof. What is lost while nobody listens is found by polling.
 */
export class NatsSinks {
  private readonly listening = new Map<string, Listening>();
  private readonly errors = new Map<string, string>();
  private started = false;

  constructor(private readonly with_: NatsSinksDependencies) {}

  start(): void {
    this.started = true;
    for (const { host } of this.with_.registries.all()) this.follow(host);
  }

  async stop(): Promise<void> {
    this.started = false;
    const all = [...this.listening.values()];
    for (const { stopping } of all) stopping.abort();
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** Why the NATS server of a registry cannot be listened to now; undefined while all is well. */
  errorOf(host: string): string | undefined {
    return this.errors.get(host);
  }

  /** Takes changed settings of a registry into account. */
  follow(host: string): void {
    if (!this.started) return;
    const notifications = this.with_.registries.definitionOf(host)?.notifications;
    const settings = notifications?.nats && JSON.stringify(notifications);
    const now = this.listening.get(host);
    if (now?.settings === settings) return;
    now?.stopping.abort();
    this.listening.delete(host);
    this.errors.delete(host);
    if (!notifications?.nats || settings === undefined) return;
    const stopping = new AbortController();
    const ended = this.listen(host, notifications, notifications.nats, stopping.signal);
    this.listening.set(host, { settings, stopping, ended });
  }

  /** Connects, again and again where that fails, and listens until it is told to stop. */
  private async listen(host: string, notifications: Notifications, nats: NatsSink, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.with_;
    for (let failures = 0; !signal.aborted; failures++) {
      let connection: NatsConnection | undefined;
      try {
        connection = await this.connect(nats);
        failures = 0;
        this.errors.delete(host);
        await this.receive(host, notifications, nats, connection, signal);
      } catch (error) {
        // Its message has neither login nor secret: what is opened here is given to the connection alone.
        const { message } = error as Error;
        if (!signal.aborted) this.errors.set(host, `${nats.server}: ${message}`);
        logger.warn(
          { registry: host, server: nats.server, error: message },
          'cannot listen to its NATS server; trying again',
        );
      } finally {
        await connection?.close();
      }
      await sleep(clock, Math.min(longestRetryMs, firstRetryMs * 2 ** failures), signal).catch(() => undefined);
    }
  }

  private async connect({ server, login, credentials, ca }: NatsSink): Promise<NatsConnection> {
    const { secrets } = this.with_;
    const creds = credentials === undefined ? undefined : await secrets.open(credentials);
    return connect({
      servers: server,
      name: 'plinth-watcher',
      // A server that is away for a while is waited for; settings that are wrong fail at the first connection.
      maxReconnectAttempts: -1,
      ...(login && { user: login.username, pass: await secrets.open(login.password) }),
      ...(creds !== undefined && { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) }),
      ...((ca !== undefined || server.startsWith('tls:')) && {
        tls: ca === undefined ? {} : { ca: await secrets.open(ca) },
      }),
    });
  }

  private async receive(
    host: string,
    notifications: Notifications,
    { subject }: NatsSink,
    connection: NatsConnection,
    signal: AbortSignal,
  ): Promise<void> {
    const subscription = connection.subscribe(subject, { queue });
    const end = (): void => subscription.unsubscribe();
    signal.addEventListener('abort', end, { once: true });
    try {
      if (signal.aborted) end();
      for await (const message of subscription) this.receiveOne(host, notifications, message);
      if (!signal.aborted) throw (await connection.closed()) ?? new Error('the connection was closed');
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  private receiveOne(host: string, notifications: Notifications, message: Msg): void {
    const { take, maxBytes, logger } = this.with_;
    if (message.data.length > maxBytes) {
      logger.warn({ registry: host, bytes: message.data.length }, 'a message that is no notification: too large');
      return;
    }
    const headers: Record<string, string> = {};
    for (const name of message.headers?.keys() ?? []) headers[name.toLowerCase()] = message.headers?.get(name) ?? '';
    try {
      take(notifications.dialect, host, { headers, body: Buffer.from(message.data) }, notifications);
    } catch (error) {
      logger.warn({ registry: host, error: (error as Error).message }, 'a message that is no notification');
    }
  }
}
