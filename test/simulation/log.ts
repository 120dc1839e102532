import type { EventData, EventType } from '#libs/contracts';
import type { AggregateRef, RecordedEvent } from '#libs/event-log';

/** Virtual time: what is to happen, in order. Deciding comes before acting at the same moment. */
export class Agenda {
  now = 0;
  private next = 0;
  private readonly items: { at: number; rank: number; order: number; what: () => void }[] = [];

  /** @param rank among what is due at one moment: 0 reads the log, 1 reacts, 2 is the world */
  in(delayMs: number, rank: 0 | 1 | 2, what: () => void): void {
    const item = { at: this.now + delayMs, rank, order: this.next++, what };
    let index = this.items.length;
    while (index > 0 && isAfter(this.items[index - 1]!, item)) index -= 1;
    this.items.splice(index, 0, item);
  }

  /** Does what is next; false when there is nothing. */
  step(): boolean {
    const item = this.items.shift();
    if (!item) return false;
    this.now = item.at;
    item.what();
    return true;
  }
}

type Item = { at: number; rank: number; order: number };
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
