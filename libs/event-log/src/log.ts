import type { AggregateKind, EventData, EventType } from '#libs/contracts';

/** One aggregate: its events are on one subject, and its owner is the only service that appends to it. */
export interface AggregateRef {
  readonly kind: AggregateKind;
  readonly id: string;
}

/** What a decider proposes: the fact, without the circumstances. */
export type Proposed<E extends EventType = EventType> = E extends EventType
  ? { readonly type: E; readonly data: EventData<E> }
  : never;

export interface EventMetadata {
  /** Unique; the same id is used when the same append is tried again. */
  readonly id: string;
  /** RFC 3339; now of the injected clock by default. */
  readonly time?: string;
  /** Id of the event or request that made somebody decide this. */
  readonly causation?: string | null;
  /** Id of the whole matter: what started it. */
  readonly correlation?: string | null;
  /** W3C Trace Context. */
  readonly traceparent?: string | null;
}

export type NewEvent<E extends EventType = EventType> = E extends EventType ? Proposed<E> & EventMetadata : never;

/** An event of the log; `switch (event.type)` narrows `event.data`. */
export type RecordedEvent<E extends EventType = EventType> = E extends EventType
  ? {
      /** Position in the log: the stream sequence. Positions are never given twice and survive closed books. */
      readonly sequence: number;
      readonly id: string;
      readonly type: E;
      readonly aggregate: AggregateRef;
      readonly time: string;
      readonly data: EventData<E>;
      /** `data` as the log has it, for who stores it as it is; absent where it was upcast. See {@link dataText}. */
      readonly text?: string;
      readonly causation: string | null;
      readonly correlation: string | null;
      readonly traceparent: string | null;
    }
  : never;

/** The data of an event as JSON: what the log has, where that is the same, which spares making it again. */
export const dataText = (event: RecordedEvent): string => event.text ?? JSON.stringify(event.data);

export interface EventBatch {
  /** In order, each sequence one more than the one before. Empty only to say `caughtUp` at the start. */
  readonly events: RecordedEvent[];
  /** Nothing was behind the last event when the server sent it. */
  readonly caughtUp: boolean;
}

export interface ReadOptions {
  /** Position of the last event that is known already; 0 for all. */
  readonly after: number;
  readonly signal: AbortSignal;
  /** Most events in one batch, 1000 by default. */
  readonly maxBatch?: number;
}

export interface LogRange {
  /** Sequence of the first event that is still in the stream; `last + 1` when there is none. */
  readonly first: number;
  /** Sequence of the last event that was ever appended; 0 when there was none. */
  readonly last: number;
}

/** The log: one total order of events, with one expected sequence per aggregate. */
export interface EventLog {
  /**
   * Appends events of one aggregate. One event per append is the rule; several go one after the other, each
   * expecting the one before: a crash leaves a prefix, so each must be sound alone.
   *
   * @param expected sequence of the aggregate's last event, 0 when it has none
   * @throws ConcurrencyError when the aggregate is at another sequence
   * @throws LogError EVENT_INVALID when the catalogue refuses an event; nothing was appended then
   * @throws LogError LOG_UNREACHABLE when the outcome could not be learned: append the same ids again later
   */
  append(aggregate: AggregateRef, expected: number, events: readonly NewEvent[]): Promise<AppendResult>;

  /**
   * Every event after a position, then the new ones as they come, until the signal is aborted (ends quietly).
   *
   * @throws LogError POSITION_PURGED, POSITION_AHEAD, LOG_GAP, EVENT_UNKNOWN, EVENT_FROM_THE_FUTURE
   */
  read(options: ReadOptions): AsyncIterable<EventBatch>;

  range(): Promise<LogRange>;

  /** The last event of an aggregate. Costs server memory: only to resolve a conflict, never on a hot path. */
  lastOf(aggregate: AggregateRef): Promise<RecordedEvent | undefined>;
}

export interface AppendResult {
  /** Sequence of the last of the events. */
  readonly sequence: number;
  /** The events as any reader will see them. */
  readonly events: RecordedEvent[];
}

export const defaultBatch = 1000;
