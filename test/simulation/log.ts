import type { EventData, EventType } from '#libs/contracts';
import type { AggregateRef, RecordedEvent } from '#libs/event-log';

/** Virtual time: what is to happen, in order. Deciding comes before acting at the same moment. */
export class Agenda {
  now = 0;
  private next = 0;
  /** A heap: each is before its two children. */
  private readonly items: Item[] = [];

  /** @param rank among what is due at one moment: 0 reads the log, 1 reacts, 2 is the world */
  in(delayMs: number, rank: 0 | 1 | 2, what: () => void): void {
    const { items } = this;
    const item = { at: this.now + delayMs, rank, order: this.next++, what };
    let index = items.length;
    items.push(item);
    for (let up = (index - 1) >> 1; index > 0 && isAfter(items[up]!, item); up = (index - 1) >> 1) {
      items[index] = items[up]!;
      index = up;
    }
    items[index] = item;
  }

  /** Does what is next; false when there is nothing. */
  step(): boolean {
    const { items } = this;
    const item = items[0];
    const last = items.pop();
    if (!item || !last) return false;
    if (items.length > 0) this.sink(last);
    this.now = item.at;
    item.what();
    return true;
  }

  /** Puts an item in the place of the first. */
  private sink(item: Item): void {
    const { items } = this;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isAfter(items[child]!, items[child + 1]!)) child += 1;
      if (!isAfter(item, items[child]!)) break;
      items[index] = items[child]!;
      index = child;
    }
    items[index] = item;
  }
}

interface Item {
  readonly at: number;
  readonly rank: number;
  readonly order: number;
  readonly what: () => void;
}

const isAfter = (a: Item, b: Item) => (a.at - b.at || a.rank - b.rank || a.order - b.order) > 0;

/** The log in a list, with the expected sequence per aggregate that the real one has. */
export class SimulatedLog {
  readonly events: RecordedEvent[] = [];
  private readonly last = new Map<string, number>();
  private readonly listeners: ((event: RecordedEvent) => void)[] = [];

  constructor(private readonly agenda: Agenda) {}

  onEvent(listener: (event: RecordedEvent) => void): void {
    this.listeners.push(listener);
  }

  /** Sequence of the last event of an aggregate, 0 when it has none. */
  lastOf({ kind, id }: AggregateRef): number {
    return this.last.get(`${kind} ${id}`) ?? 0;
  }

  /** Answers whether it was added: false when the aggregate is at another sequence than was expected. */
  append<T extends EventType>(
    aggregate: AggregateRef,
    type: T,
    data: EventData<T>,
    expected = this.lastOf(aggregate),
  ): boolean {
    if (expected !== this.lastOf(aggregate)) return false;
    const sequence = this.events.length + 1;
    const time = new Date(this.agenda.now).toISOString();
    const metadata = { id: `e${sequence}`, causation: null, correlation: null, traceparent: null };
    const event = { sequence, type, aggregate, time, data, ...metadata } as RecordedEvent;
    this.events.push(event);
    this.last.set(`${aggregate.kind} ${aggregate.id}`, sequence);
    for (const listener of this.listeners) listener(event);
    return true;
  }
}
