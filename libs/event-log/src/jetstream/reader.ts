import { setImmediate as turn } from 'node:timers/promises';
import { DeliverPolicy, type ConsumerMessages, type JetStreamClient } from '@nats-io/jetstream';
import { LogError, positionAhead, positionPurged } from '../errors.js';
import { defaultBatch, type EventBatch, type LogRange, type ReadOptions, type RecordedEvent } from '../log.js';
import { sleep, type Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import { decodeMessage } from '../wire/codec.js';

export interface ReaderContext {
  readonly js: JetStreamClient;
  readonly stream: string;
  readonly clock: Clock;
  readonly logger: Logger;
  range(): Promise<LogRange>;
  /** The connection was closed for good, by us or after the server refused it. */
  isClosed(): boolean;
}

/** Messages that one pull may hold; larger pulls replay faster (measured 100 → 5000: twice as fast). */
const pull = 5000;
/** A reader that was busy with a batch for longer gets a new consumer: pulls of the old one have piled up. */
const stallMs = 5_000;

/**
 * Reads the stream in order and in batches, unfiltered. The ordered consumer survives reconnects by itself, and is
 * opened again at the right place whenever it cannot. Every sequence is checked here, whatever the consumer
 * promises: a hole in the log is an error, never silently skipped. A slow reader is not flooded: what it does not
 * take is not asked for.
 */
export async function* readStream(context: ReaderContext, options: ReadOptions): AsyncGenerator<EventBatch> {
  const { signal, maxBatch = defaultBatch } = options;
  const { first, last } = await context.range();
  if (options.after > last) throw positionAhead(options.after, last);
  if (options.after + 1 < first) throw positionPurged(options.after, first);
  if (options.after === last && !signal.aborted) yield { events: [], caughtUp: true };
  let position = options.after;
  while (!signal.aborted) {
    const messages = await open(context, position, signal);
    if (!messages) return;
    const arriving = messages[Symbol.asyncIterator]();
    const close = (): void => void messages.close();
    signal.addEventListener('abort', close, { once: true });
    // It may have been aborted while the consumer was made.
    if (signal.aborted) close();
    try {
      let events: RecordedEvent[] = [];
      for (let next = arriving.next(); ;) {
        const { done, value: message } = await next;
        if (done) break;
        next = arriving.next();
        next.catch(() => undefined); // it is waited for above, unless the reader leaves first
        if (message.seq <= position) continue;
        if (message.seq !== position + 1) {
          // What came before the hole is good: it is handed out first.
          if (events.length > 0) yield { events, caughtUp: false };
          throw await hole(context, position, message.seq);
        }
        let event: RecordedEvent;
        try {
          event = decodeMessage(message);
        } catch (error) {
          if (events.length > 0) yield { events, caughtUp: false };
          throw error;
        }
        events.push(event);
        position = message.seq;
        const caughtUp = message.info.pending === 0;
        // Full batches while more is behind them. At the end of the stream, whatever there is by the next turn: where many
        // append at once, each event would else be a batch, and a transaction, of its own.
        if (events.length < maxBatch && (!caughtUp || (await isHere(next)))) continue;
        const batch = { events, caughtUp };
        events = [];
        const handedOut = performance.now();
        yield batch;
        if (signal.aborted) return;
        if (performance.now() - handedOut > stallMs) break;
      }
      if (events.length > 0) yield { events, caughtUp: false };
    } finally {
      signal.removeEventListener('abort', close);
      // Its consumer on the server goes by itself after a minute; deleting it would need one more permission.
      // Not waited for: it ends when the iterator does, which one that holds a message already does not by itself.
      void messages.close();
      await arriving.return?.();
    }
  }
}

/** Whether there is another one within this turn of the event loop. What fails says so where it is waited for. */
const isHere = (next: Promise<IteratorResult<unknown>>): Promise<boolean> =>
  Promise.race([next.then(({ done }) => !done).catch(() => false), turn().then(() => false)]);

/** Opens a consumer after the position, as often as it takes; undefined when the reader is not wanted any more. */
const open = async (
  { js, stream, clock, logger, isClosed }: ReaderContext,
  position: number,
  signal: AbortSignal,
): Promise<ConsumerMessages | undefined> => {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const consumer = await js.consumers.get(stream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: position + 1,
        inactive_threshold: 60_000,
      });
      return await consumer.consume({ max_messages: pull, expires: 30_000, idle_heartbeat: 2_000 });
    } catch (error) {
      if (isClosed()) {
        throw new LogError('LOG_UNREACHABLE', `The connection to nats-server is closed; ${stream} is not read.`, {
          cause: error,
        });
      }
      logger.warn({ err: error, stream, position }, 'cannot read the log, trying again');
      await sleep(clock, Math.min(100 * 2 ** Math.min(failures, 6), 5_000), signal);
    }
  }
  return undefined;
};

const hole = async ({ range, stream }: ReaderContext, position: number, next: number): Promise<LogError> => {
  const { first } = await range();
  if (position + 1 < first) return positionPurged(position, first);
  return new LogError(
    'LOG_GAP',
    `The log has a hole: event ${next} came after ${position}, and nothing is ever deleted from ${stream}. The ` +
      'server lost data: stop it, compare its replicas, and restore the stream from a backup or replay the archive.',
  );
};
