import { systemClock, type Clock } from '../clock.js';
import { ConcurrencyError, positionAhead, positionPurged } from '../errors.js';
import { defaultBatch, type AggregateRef, type AppendResult, type EventBatch } from '../log.js';
import type { EventLog, LogRange, NewEvent, ReadOptions, RecordedEvent } from '../log.js';
import { encodeEvent, type EncodedEvent } from '../wire/codec.js';

/** The log in memory, for simulations and unit tests; it passes the suite that JetStream passes. */
export class MemoryEventLog implements EventLog {
  readonly #clock: Clock;
  readonly #source: string;
  /** `#events[i]` has sequence `#first + i`. */
  #events: RecordedEvent[] = [];
  #first = 1;
  readonly #last = new Map<string, RecordedEvent>();
  readonly #waiting = new Set<() => void>();

  constructor(options: { clock?: Clock; source?: string } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#source = options.source ?? '/plinth';
  }

  async append(aggregate: AggregateRef, expected: number, events: readonly NewEvent[]): Promise<AppendResult> {
    const encoded = events.map((event) => encodeEvent(aggregate, event, this.#source, this.#clock.now()));
    const recorded: RecordedEvent[] = [];
    let sequence = expected;
    for (const event of encoded) {
      const stored = this.#store(aggregate, sequence, event);
      recorded.push(stored);
      sequence = stored.sequence;
    }
    return { sequence, events: recorded };
  }

  #store(aggregate: AggregateRef, expected: number, event: EncodedEvent): RecordedEvent {
    const key = `${aggregate.kind} ${aggregate.id}`;
    const last = this.#last.get(key);
    const actual = last?.sequence ?? 0;
    if (actual !== expected) {
      const own = this.#events.find(
        (e) => e.id === event.id && e.sequence > expected && `${e.aggregate.kind} ${e.aggregate.id}` === key,
      );
      if (own) return own;
      throw new ConcurrencyError(aggregate, expected, actual);
    }
    const stored = event.recorded(this.#first + this.#events.length);
    this.#events.push(stored);
    this.#last.set(key, stored);
    for (const wake of this.#waiting) wake();
    return stored;
  }

  async *read(options: ReadOptions): AsyncGenerator<EventBatch> {
    const { signal, maxBatch = defaultBatch } = options;
    let position = options.after;
    const last = this.#first + this.#events.length - 1;
    if (position > last) throw positionAhead(position, last);
    if (position === last && !signal.aborted) yield { events: [], caughtUp: true };
    while (!signal.aborted) {
      if (position + 1 < this.#first) throw positionPurged(position, this.#first);
      const from = position + 1 - this.#first;
      const events = this.#events.slice(from, from + maxBatch);
      if (events.length === 0) {
        await this.#more(signal);
        continue;
      }
      position += events.length;
      yield { events, caughtUp: position === this.#first + this.#events.length - 1 };
      // As a socket would: others get their turn between batches.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  range(): Promise<LogRange> {
    return Promise.resolve({ first: this.#first, last: this.#first + this.#events.length - 1 });
  }

  lastOf(aggregate: AggregateRef): Promise<RecordedEvent | undefined> {
    return Promise.resolve(this.#last.get(`${aggregate.kind} ${aggregate.id}`));
  }

  /** Drops every event before a position, as closing a book does. */
  purge(before: number): Promise<void> {
    const gone = Math.max(0, Math.min(before, this.#first + this.#events.length) - this.#first);
    this.#events = this.#events.slice(gone);
    this.#first += gone;
    for (const [key, event] of this.#last) if (event.sequence < this.#first) this.#last.delete(key);
    return Promise.resolve();
  }
}
