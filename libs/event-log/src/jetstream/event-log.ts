import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { eventSubject, streams } from '#libs/contracts';
import { sleep, systemClock, type Clock } from '../clock.js';
import { crashPoint } from '../crash-point.js';
import { ConcurrencyError, LogError } from '../errors.js';
import type { AggregateRef, AppendResult, EventBatch, EventLog } from '../log.js';
import type { LogRange, NewEvent, ReadOptions, RecordedEvent } from '../log.js';
import { silentLogger, type Logger } from '../logger.js';
import { decodeMessage, encodeEvent, type EncodedEvent } from '../wire/codec.js';
import { isFull, isPassing, wrongSequence } from './api-errors.js';
import { readStream } from './reader.js';

export interface JetStreamEventLogOptions {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** CloudEvents source, such as `/plinth/watcher`. */
  readonly source?: string;
  /** How long an append waits for one acknowledgement before it asks again with the same id; 5 s. */
  readonly ackTimeoutMs?: number;
  /** How long it asks before it gives up with LOG_UNREACHABLE; 30 s. */
  readonly appendTimeoutMs?: number;
  readonly stream?: string;
}

/** The log on JetStream. */
export class JetStreamEventLog implements EventLog {
  readonly #connection: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #source: string;
  readonly #ackTimeoutMs: number;
  readonly #appendTimeoutMs: number;
  readonly #stream: string;

  constructor(options: JetStreamEventLogOptions) {
    this.#connection = options.connection;
    this.#js = options.js;
    this.#jsm = options.jsm;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#source = options.source ?? '/plinth';
    this.#ackTimeoutMs = options.ackTimeoutMs ?? 5_000;
    this.#appendTimeoutMs = options.appendTimeoutMs ?? 30_000;
    this.#stream = options.stream ?? streams.events;
  }

  async append(aggregate: AggregateRef, expected: number, events: readonly NewEvent[]): Promise<AppendResult> {
    const now = this.#clock.now();
    const encoded = events.map((event) => encodeEvent(aggregate, event, this.#source, now));
    const subject = eventSubject(aggregate.kind, aggregate.id);
    const recorded: RecordedEvent[] = [];
    let sequence = expected;
    for (const event of encoded) {
      sequence = await this.#store(aggregate, subject, sequence, event);
      recorded.push(event.recorded(sequence));
    }
    return { sequence, events: recorded };
  }

  async #store(aggregate: AggregateRef, subject: string, expected: number, event: EncodedEvent): Promise<number> {
    const deadline = performance.now() + this.#appendTimeoutMs;
    /** The server's memory of ids is only help for a retry; an id that it saw before must not suppress a fact. */
    let withId = true;
    for (let attempt = 1; ; attempt++) {
      try {
        const ack = await this.#publish(subject, expected, event, withId);
        if (!ack.duplicate || ack.seq > expected) {
          crashPoint('log.appended');
          return ack.seq;
        }
        const own = await this.#ownAfter(aggregate, expected, event.id);
        if (own !== undefined) return own;
        withId = false;
      } catch (error) {
        const conflict = wrongSequence(error);
        if (conflict !== undefined) {
          // The floor (2.10) knows an id again before it compares sequences, 2.15 after: so look in any case.
          const own = await this.#ownAfter(aggregate, expected, event.id);
          if (own !== undefined) return own;
          throw new ConcurrencyError(aggregate, expected, conflict ?? (await this.lastOf(aggregate))?.sequence ?? 0);
        }
        if (!isPassing(error)) throw this.#refused(aggregate, event.id, error);
        if (performance.now() >= deadline || this.#connection.isClosed()) {
          throw new LogError(
            'LOG_UNREACHABLE',
            `Event ${event.id} for ${aggregate.kind} ${aggregate.id} was not acknowledged: it may be in the log or ` +
              'not. Append it again with the same id when nats-server answers.',
            { cause: error },
          );
        }
        this.#logger.warn({ err: error, aggregate, id: event.id, attempt }, 'append not acknowledged, trying again');
        await sleep(this.#clock, Math.min(20 * 2 ** Math.min(attempt, 6), 1_000));
      }
    }
  }

  #publish(
    subject: string,
    expected: number,
    event: EncodedEvent,
    withId: boolean,
  ): Promise<{ seq: number; duplicate: boolean }> {
    const own = headers();
    for (const [name, value] of event.headers) own.set(name, value);
    return this.#js.publish(subject, event.body, {
      headers: own,
      timeout: this.#ackTimeoutMs,
      expect: { lastSubjectSequence: expected, streamName: this.#stream },
      ...(withId ? { msgID: event.id } : {}),
    });
  }

  /** Sequence of our own event, when it is among those of the aggregate after the expected one. */
  async #ownAfter(aggregate: AggregateRef, expected: number, id: string): Promise<number | undefined> {
    const subject = eventSubject(aggregate.kind, aggregate.id);
    for (let after = expected; ;) {
      const next = await this.#message({ seq: after + 1, next_by_subj: subject });
      if (next === undefined || next.id === id) return next?.sequence;
      after = next.sequence;
    }
  }

  #refused(aggregate: AggregateRef, id: string, error: unknown): unknown {
    if (isFull(error)) {
      return new LogError(
        'LOG_FULL',
        `The log has no room for event ${id} of ${aggregate.kind} ${aggregate.id}: ${this.#stream} is at its ` +
          'limit. Close a book (plinth books close) or raise its max_bytes; nothing was lost.',
        { cause: error },
      );
    }
    return error;
  }

  read(options: ReadOptions): AsyncIterable<EventBatch> {
    return readStream(
      {
        js: this.#js,
        stream: this.#stream,
        clock: this.#clock,
        logger: this.#logger,
        range: () => this.range(),
        isClosed: () => this.#connection.isClosed(),
      },
      options,
    );
  }

  async range(): Promise<LogRange> {
    const { state } = await this.#jsm.streams.info(this.#stream);
    // An empty stream says first_seq 0 before its first message, last + 1 after a purge.
    return { first: Math.max(state.first_seq, state.messages === 0 ? state.last_seq + 1 : 1), last: state.last_seq };
  }

  async lastOf(aggregate: AggregateRef): Promise<RecordedEvent | undefined> {
    const subject = eventSubject(aggregate.kind, aggregate.id);
    for (let attempt = 1; ; attempt++) {
      try {
        // From the leader: a direct get may be answered by a replica that is behind.
        return await this.#message({ last_by_subj: subject });
      } catch (error) {
        if (attempt === 5 || !isPassing(error)) throw error;
        await sleep(this.#clock, 20 * 4 ** attempt);
      }
    }
  }

  async #message(
    query: { last_by_subj: string } | { seq: number; next_by_subj: string },
  ): Promise<RecordedEvent | undefined> {
    try {
      const message = await this.#jsm.streams.getMessage(this.#stream, query);
      return message
        ? decodeMessage({
            seq: message.seq,
            subject: message.subject,
            headers: message.header,
            string: () => message.string(),
          })
        : undefined;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === 10037) return undefined;
      throw error;
    }
  }
}
