import { randomUUID } from 'node:crypto';
import { PlinthError, type EventType } from '#libs/contracts';
import type { Decider } from '../decider.js';
import { ConcurrencyError, isConcurrencyError } from '../errors.js';
import type { AggregateRef, EventLog, NewEvent, Proposed, RecordedEvent } from '../log.js';
import type { AggregateStore } from '../projection/aggregate-store.js';
import { Mutex } from './mutex.js';

/** The part of a projector that commands need. */
export interface CatchUp {
  /** Position up to which the stores know everything. */
  readonly position: number;
  waitFor(position: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>;
}

export interface CommandMeta {
  readonly causation?: string | null;
  readonly correlation?: string | null;
  readonly traceparent?: string | null;
  /** Id of the event, deterministic for process managers: (aggregate, position of the cause, attempt). */
  readonly eventId?: string;
  /** Sequence that the caller's answer was made for (a look); another one is a conflict before anything is decided. */
  readonly expected?: number;
  /** `give-up` where a decision must not be repeated on another state, as after a look; else `decide-again`. */
  readonly onConflict?: 'decide-again' | 'give-up';
}

export interface CommandResult<E extends EventType = EventType> {
  /** Position to wait for in order to read what was written: of the last event, now or before. */
  readonly sequence: number;
  /** What happened; empty when nothing did. */
  readonly events: RecordedEvent<E>[];
}

export interface CommandsOptions {
  readonly log: EventLog;
  readonly projector: CatchUp;
  /** How long a conflict may wait for the projector; 10 s. */
  readonly catchUpMs?: number;
}

const mostTries = 20;

/** The shell around deciders: reads the state, decides, appends, and copes with others who were faster. */
export class Commands {
  readonly #mutex = new Mutex();

  constructor(private readonly options: CommandsOptions) {}

  /**
   * @throws what the decider throws to refuse
   * @throws ConcurrencyError with `give-up`, or when `expected` is not the sequence any more
   * @throws PlinthError PROJECTION_BEHIND when the state after a conflict does not arrive; CONFLICT after 20 tries
   */
  execute<State, Command, E extends EventType>(
    store: AggregateStore<State>,
    decider: Decider<State, Command, E>,
    id: string,
    command: Command,
    meta: CommandMeta = {},
  ): Promise<CommandResult<E>> {
    return this.#mutex.run(`${decider.kind} ${id}`, () => this.#execute(store, decider, id, command, meta));
  }

  async #execute<State, Command, E extends EventType>(
    store: AggregateStore<State>,
    decider: Decider<State, Command, E>,
    id: string,
    command: Command,
    meta: CommandMeta,
  ): Promise<CommandResult<E>> {
    const aggregate: AggregateRef = { kind: decider.kind, id };
    const base = meta.eventId ?? randomUUID();
    for (let attempt = 1; attempt <= mostTries; attempt++) {
      // What came between is after what the stores know; before it this aggregate has nothing new.
      const known = this.options.projector.position;
      const { state, sequence } = store.get(id);
      if (meta.expected !== undefined && meta.expected !== sequence) {
        throw new ConcurrencyError(aggregate, meta.expected, sequence);
      }
      const proposed = decider.decide(command, state);
      if (proposed.length === 0) return { sequence, events: [] };
      const events = proposed.map((event, index) => newEvent(event, meta, eventId(base, attempt, index)));
      try {
        const appended = await this.#append(aggregate, sequence, events);
        for (const event of appended) store.applied(event);
        return {
          sequence: appended[appended.length - 1]?.sequence ?? sequence,
          events: appended as RecordedEvent<E>[],
        };
      } catch (error) {
        if (!isConcurrencyError(error)) throw error;
        const own = await this.#catchUp(aggregate, Math.max(known, sequence), error.actual, events);
        if (own) return { sequence: own[own.length - 1]?.sequence ?? sequence, events: own as RecordedEvent<E>[] };
        if (meta.onConflict === 'give-up' || meta.expected !== undefined) throw error;
      }
    }
    throw new PlinthError(
      'CONFLICT',
      `${aggregate.kind} ${id} was changed by others ${mostTries} times while this was decided. Try again.`,
    );
  }

  async #append(aggregate: AggregateRef, expected: number, events: NewEvent[]): Promise<RecordedEvent[]> {
    const { log } = this.options;
    try {
      return (await log.append(aggregate, expected, events)).events;
    } catch (error) {
      // Its events are in a closed book and it was over then, so that it was not restated: for the server it is new.
      if (!isConcurrencyError(error) || error.actual !== 0 || expected === 0) throw error;
      if (expected >= (await log.range()).first) throw error;
      return (await log.append(aggregate, 0, events)).events;
    }
  }

  /** Waits until the store knows what came between; answers our own events when they are among that (lost ack). */
  async #catchUp(
    aggregate: AggregateRef,
    from: number,
    actual: number,
    events: readonly NewEvent[],
  ): Promise<RecordedEvent[] | undefined> {
    const { log, projector, catchUpMs = 10_000 } = this.options;
    if (!(await projector.waitFor(actual, { timeoutMs: catchUpMs }))) {
      throw new PlinthError(
        'PROJECTION_BEHIND',
        `${aggregate.kind} ${aggregate.id} was changed at ${actual}, and this service has not read that yet. Try again.`,
      );
    }
    const wanted = new Set(events.map((event) => event.id));
    const found = (await between(log, from, actual)).filter(
      (e) => wanted.has(e.id) && e.aggregate.id === aggregate.id && e.aggregate.kind === aggregate.kind,
    );
    return found.length === wanted.size ? found : undefined;
  }
}

/** The tail between what the store knew and what is there; as short as the projector's lag. */
const between = async (log: EventLog, after: number, last: number): Promise<RecordedEvent[]> => {
  const { first } = await log.range();
  const stop = new AbortController();
  const found: RecordedEvent[] = [];
  for await (const { events, caughtUp } of log.read({ after: Math.max(after, first - 1), signal: stop.signal })) {
    found.push(...events);
    if (caughtUp || (found[found.length - 1]?.sequence ?? 0) >= last) break;
  }
  stop.abort();
  return found;
};

/** The first try of the first event has the id that was asked for, so that a later life of the process finds it. */
const eventId = (base: string, attempt: number, index: number): string =>
  base + (attempt > 1 ? `.${attempt}` : '') + (index > 0 ? `-${index}` : '');

const newEvent = (event: Proposed, meta: CommandMeta, id: string): NewEvent => ({
  ...event,
  id,
  causation: meta.causation ?? null,
  correlation: meta.correlation ?? null,
  traceparent: meta.traceparent ?? null,
});
