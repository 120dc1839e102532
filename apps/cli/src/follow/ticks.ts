import { setTimeout as sleep } from 'node:timers/promises';
import type { EventView } from '#libs/contracts';
import type { Session } from '../session.js';

/** Time alone changes what is shown (durations, looks), and an event may have come before we listened. */
const everyMs = 2000;
/** However much happens: no more often than this. */
const atMostMs = 150;

export interface TickOptions {
  /** Types or aggregates, as `events --types` takes them. */
  readonly types: string;
  readonly signal: AbortSignal;
  /** Only events that concern what is followed. */
  readonly suits?: (event: EventView) => boolean;
}

/**
 * Answers a position to read at: at once, soon after each event that suits, and every two seconds. Ends when the signal
 * is aborted.
 */
export async function* ticks(
  session: Session,
  { types, signal, suits = () => true }: TickOptions,
): AsyncGenerator<number> {
  const plinth = await session.client();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let position = 0;
  let wake = Promise.withResolvers<void>();
  const listening = (async () => {
    for await (const event of plinth.watchEvents({ types }, { signal: both })) {
      if (!suits(event)) continue;
      position = event.position;
      wake.resolve();
    }
  })();
  let failure: unknown;
  listening.catch((error: unknown) => {
    if (!both.aborted) failure = error;
    wake.resolve();
  });
  try {
    while (!signal.aborted) {
      yield position;
      // oxlint-disable-next-line no-unmodified-loop-condition -- set by the listener
      if (failure !== undefined) throw failure;
      await Promise.race([wake.promise, sleep(everyMs, undefined, { signal: both }).catch(() => undefined)]);
      wake = Promise.withResolvers();
      await sleep(atMostMs, undefined, { signal: both }).catch(() => undefined);
    }
  } finally {
    stop.abort();
  }
}
