import { AckPolicy, JetStreamApiError, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import type { Consumer, JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { dispatchSubject, streams, subjectToken } from '#libs/contracts';
import { sleep, type Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import type { ConsumeOptions, DispatchedRun, DispatchQueue } from '../ports/dispatch.js';
import { isPassing } from './api-errors.js';
import { dispatchSubjects } from './streams.js';

type Handler = (message: DispatchedRun) => Promise<void>;

export interface JetStreamDispatchOptions {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly dead: DeadLetters;
  readonly clock: Clock;
  readonly logger: Logger;
}

const nanos = (ms: number): number => ms * 1_000_000;
/** A message that was handed out so often is what ends its builders, or what none of them can take. */
const mostDeliveries = 100;
const working = new TextEncoder().encode('+WPI');

/** The work queue on JetStream: one durable consumer per pool. */
export class JetStreamDispatch implements DispatchQueue {
  constructor(private readonly options: JetStreamDispatchOptions) {}

  async send(pool: string, message: { readonly run: string; readonly attempt: number }): Promise<void> {
    const { js, clock } = this.options;
    const { run, attempt } = message;
    for (let tries = 1; ; tries++) {
      try {
        await js.publish(dispatchSubject(pool), JSON.stringify({ run, attempt }), { msgID: `${run}.${attempt}` });
        return;
      } catch (error) {
        if (tries === 5 || !isPassing(error)) throw error;
        await sleep(clock, 50 * 2 ** tries);
      }
    }
  }

  async held(): Promise<readonly { readonly run: string; readonly attempt: number }[]> {
    const found: { run: string; attempt: number }[] = [];
    for (let message = await this.#from(1); message; message = await this.#from(message.seq + 1)) {
      const body = bodyOf(message);
      if (body) found.push(body);
    }
    return found;
  }

  /** The first message at this sequence or after it. */
  async #from(seq: number): Promise<StoredMsg | undefined> {
    const query: { seq: number; next_by_subj: string } = { seq, next_by_subj: dispatchSubjects };
    try {
      return (await this.options.jsm.streams.getMessage(streams.dispatch, query)) ?? undefined;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === 10037) return undefined;
      throw error;
    }
  }

  consume(pool: string, options: ConsumeOptions, handler: Handler): { close(): Promise<void> } {
    const stop = new AbortController();
    const slots = Array.from({ length: options.slots }, () => this.#slot(pool, options, handler, stop.signal));
    return {
      close: async () => {
        stop.abort();
        await Promise.all(slots);
      },
    };
  }

  /** One slot takes one message at a time; a message that waits for a slot stays with the server. */
  async #slot(pool: string, options: ConsumeOptions, handler: Handler, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.options;
    let consumer: Consumer | undefined;
    while (!signal.aborted) {
      try {
        consumer ??= await this.#consumer(pool, options.ackWaitMs ?? 30_000);
        const messages = await consumer.fetch({ max_messages: 1, expires: 30_000 });
        for await (const message of untilAborted(messages, signal)) await this.#handle(pool, message, handler);
      } catch (error) {
        if (signal.aborted) return;
        consumer = undefined;
        logger.warn({ err: error, pool }, 'cannot take dispatched runs, trying again');
        await sleep(clock, 500, signal);
      }
    }
  }

  async #consumer(pool: string, ackWaitMs: number): Promise<Consumer> {
    const { js, jsm } = this.options;
    const name = `pool-${subjectToken(pool)}`;
    try {
      const { config } = await jsm.consumers.info(streams.dispatch, name);
      if (config.ack_wait !== nanos(ackWaitMs)) {
        await jsm.consumers.update(streams.dispatch, name, { ack_wait: nanos(ackWaitMs) });
      }
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === 10014)) throw error;
      await jsm.consumers.add(streams.dispatch, {
        durable_name: name,
        filter_subject: dispatchSubject(pool),
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ackWaitMs),
        max_deliver: -1,
        max_ack_pending: 10_000,
      });
    }
    return js.consumers.get(streams.dispatch, name);
  }

  async #handle(pool: string, message: JsMsg, handler: Handler): Promise<void> {
    const { logger } = this.options;
    const body = bodyOf(message);
    if (!body) return this.#bury(pool, message, 'It is no JSON that names a run and an attempt.');
    const { deliveryCount } = message.info;
    if (deliveryCount > mostDeliveries) {
      return this.#bury(
        pool,
        message,
        `It was handed out ${deliveryCount - 1} times, and no builder was done with it.`,
      );
    }
    const dispatched: DispatchedRun = {
      run: body.run,
      attempt: body.attempt,
      deliveries: message.info.deliveryCount,
      working: () => this.#working(message),
      ack: async () => {
        await message.ackAck();
      },
      retry: (ms) => message.nak(ms),
      drop: (reason) => void this.#bury(pool, message, reason),
    };
    try {
      await handler(dispatched);
    } catch (error) {
      logger.error(
        { err: error, run: body.run, attempt: body.attempt },
        'a dispatched run was not taken, again in 1 s',
      );
      message.nak(1_000);
    }
  }

  /** Kept with the cause first: what is terminated is gone. */
  async #bury(pool: string, message: JsMsg, cause: string): Promise<void> {
    const { dead, logger } = this.options;
    const { subject, seq: sequence } = message;
    try {
      await dead.add({ kind: 'dispatch', source: pool, cause, subject, payload: message.string() });
      message.term(cause);
      logger.error({ pool, sequence, cause }, 'a dispatched message could not be processed; it is a dead letter now');
    } catch (error) {
      logger.warn({ err: error, pool, sequence }, 'a dead letter could not be kept, again in 10 s');
      message.nak(10_000);
    }
  }

  /** The answer to a progress report is the proof that the server heard it; JsMsg.working() does not wait for it. */
  async #working(message: JsMsg): Promise<boolean> {
    const { reply } = message as JsMsg & { readonly reply: string };
    try {
      await this.options.connection.request(reply, working, { timeout: 2_000 });
      return true;
    } catch {
      // No answer is the answer: the caller has to assume that the message is given to somebody else.
      return false;
    }
  }
}

/** What a message says; undefined for one that somebody else put there. */
const bodyOf = (message: { json<T>(): T }): { run: string; attempt: number } | undefined => {
  try {
    const { run, attempt } = message.json<{ run?: unknown; attempt?: unknown }>();
    return typeof run === 'string' && Number.isSafeInteger(attempt) ? { run, attempt: attempt as number } : undefined;
  } catch {
    return undefined; // said where the message is buried
  }
};

async function* untilAborted(messages: ConsumerMessages, signal: AbortSignal): AsyncGenerator<JsMsg> {
  const close = (): void => void messages.close();
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  try {
    for await (const message of messages) {
      // Fetched in the moment of closing: back to the queue at once.
      if (signal.aborted) message.nak();
      else yield message;
    }
  } finally {
    signal.removeEventListener('abort', close);
  }
}
