import type { AggregateRef, EventBatch, EventLog, NewEvent, RecordedEvent } from '../log.js';

/** Small events for the suites. */
export const tag = (reference: string): AggregateRef => ({ kind: 'tag', id: reference });

let counter = 0;
export const watched = (reference: string, id = `watched-${++counter}`): NewEvent<'tag.watched'> => ({
  type: 'tag.watched',
  id,
  data: { reference },
});

export const confirmed = (
  reference: string,
  run: string,
  id = `confirmed-${++counter}`,
): NewEvent<'tag.confirmed'> => ({
  type: 'tag.confirmed',
  id,
  data: { reference, digest: null, run },
});

/** Everything after a position, up to the end of the log. */
export const readAll = async (log: EventLog, after = 0, maxBatch?: number): Promise<RecordedEvent[]> => {
  const stop = new AbortController();
  const events: RecordedEvent[] = [];
  for await (const batch of log.read({ after, signal: stop.signal, ...(maxBatch === undefined ? {} : { maxBatch }) })) {
    events.push(...batch.events);
    if (batch.caughtUp) break;
  }
  stop.abort();
  return events;
};

/** A reader that a test steps by hand. */
export const openReader = (
  log: EventLog,
  after: number,
): { next(): Promise<EventBatch>; until(sequence: number): Promise<RecordedEvent[]>; close(): Promise<void> } => {
  const stop = new AbortController();
  const iterator = log.read({ after, signal: stop.signal })[Symbol.asyncIterator]();
  const next = async (): Promise<EventBatch> => {
    const { done, value } = await iterator.next();
    if (done) throw new Error('the reader ended');
    return value;
  };
  return {
    next,
    async until(sequence) {
      const events: RecordedEvent[] = [];
      while ((events.at(-1)?.sequence ?? 0) < sequence) events.push(...(await next()).events);
      return events;
    },
    async close() {
      stop.abort();
      await iterator.return?.();
    },
  };
};

/** Everything that an event says of itself, as plain fields: an event from the log decodes them when it is asked. */
export const attributesOf = (event: RecordedEvent): Omit<RecordedEvent, 'data'> & { readonly data: unknown } => {
  const { sequence, id, type, aggregate, time, data, text, causation, correlation, traceparent } = event;
  return { sequence, id, type, aggregate, time, data, text, causation, correlation, traceparent } as RecordedEvent;
};
