import { DeliverPolicy, type JetStreamClient, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { idOfToken, PlinthError, subjectToken } from '#libs/contracts';
import type { Clock } from '../clock.js';
import type { KvBucket, KvChange, KvEntry } from '../ports/kv.js';
import { wrongSequence } from './api-errors.js';

export interface JetStreamKvOptions {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly bucket: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  /** Makes the bucket when there is none. */
  create(): Promise<void>;
}

/** Keys of NATS take no `~`: `a.b c` → `a.=YiBj`. Dots stay, so that prefixes stay readable. */
const toKey = (key: string): string => key.split('.').map(subjectToken).join('.').replaceAll('~', '=');
const fromKey = (key: string): string => key.replaceAll('=', '~').split('.').map(idOfToken).join('.');

export class JetStreamKv implements KvBucket {
  #opened: Promise<KV> | undefined;
  readonly #prefix: string;
  readonly #stream: string;

  constructor(private readonly options: JetStreamKvOptions) {
    this.#prefix = `$KV.${options.bucket}.`;
    this.#stream = `KV_${options.bucket}`;
  }

  #kv(): Promise<KV> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #open(): Promise<KV> {
    await this.options.create();
    return new Kvm(this.options.js).open(this.options.bucket);
  }

  async get(key: string): Promise<{ value: Uint8Array; revision: number } | undefined> {
    const entry = await (await this.#kv()).get(checked(key));
    return entry && entry.operation === 'PUT' ? { value: entry.value, revision: entry.revision } : undefined;
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    try {
      return await (await this.#kv()).create(checked(key), value);
    } catch (cause) {
      if (wrongSequence(cause) === undefined) throw cause;
      throw new PlinthError('ALREADY_EXISTS', `${this.options.bucket}: there is a value of ${key} already.`, [], {
        cause,
      });
    }
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    return (await this.#kv()).put(checked(key), value);
  }

  async update(key: string, value: Uint8Array, revision: number): Promise<number> {
    try {
      return await (await this.#kv()).update(checked(key), value, revision);
    } catch (cause) {
      if (wrongSequence(cause) === undefined) throw cause;
      const message = `${this.options.bucket}: ${key} is not at revision ${revision} any more. Read it again.`;
      throw new PlinthError('CONFLICT', message, [], { cause });
    }
  }

  async delete(key: string): Promise<void> {
    const kv = await this.#kv();
    const entry = await kv.get(checked(key));
    if (entry?.operation === 'PUT') await kv.delete(checked(key));
  }

  async entries(): Promise<KvEntry[]> {
    const stop = new AbortController();
    const found = new Map<string, KvEntry>();
    await this.#follow(({ key, value, revision }) => {
      if (value === undefined) found.delete(key);
      else found.set(key, { key, value, revision });
    }, stop.signal);
    stop.abort();
    return [...found.values()];
  }

  async watch(listener: (change: KvChange) => void, signal: AbortSignal): Promise<void> {
    const { ttlMs, clock } = this.options;
    if (ttlMs === 0) return this.#follow(listener, signal);
    // The server removes what is too old without a word.
    const expiry = new Map<string, () => void>();
    signal.addEventListener('abort', () => {
      for (const cancel of expiry.values()) cancel();
    });
    await this.#follow((change) => {
      expiry.get(change.key)?.();
      expiry.delete(change.key);
      if (change.value !== undefined) {
        const { key, revision } = change;
        const gone = (): void => {
          expiry.delete(key);
          listener({ key, revision });
        };
        expiry.set(key, clock.setTimeout(gone, ttlMs));
      }
      listener(change);
    }, signal);
  }

  /** The last value of each key, then all changes; resolves when the former were delivered. */
  async #follow(listener: (change: KvChange) => void, signal: AbortSignal): Promise<void> {
    await this.#kv();
    const consumer = await this.options.js.consumers.get(this.#stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      inactive_threshold: 60_000,
    });
    const { num_pending: initial } = await consumer.info(true);
    const messages = await consumer.consume({ max_messages: 500, idle_heartbeat: 2_000 });
    const close = (): void => void messages.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    const { promise: delivered, resolve, reject } = Promise.withResolvers<void>();
    if (initial === 0) resolve();
    const run = async (): Promise<void> => {
      for await (const message of messages) {
        const change = this.#change(message);
        if (change && !signal.aborted) listener(change);
        if (message.info.pending === 0) resolve();
      }
      resolve();
    };
    run().catch(reject);
    await delivered;
  }

  #change(message: JsMsg): KvChange | undefined {
    if (!message.subject.startsWith(this.#prefix)) return undefined;
    const key = fromKey(message.subject.slice(this.#prefix.length));
    const operation = message.headers?.get('KV-Operation') ?? '';
    const deleted = operation === 'DEL' || operation === 'PURGE';
    return { key, revision: message.seq, ...(deleted ? {} : { value: message.data }) };
  }
}

const checked = (key: string): string => {
  if (key === '') throw new PlinthError('INVALID_ARGUMENT', 'A key must not be empty.');
  return toKey(key);
};
