import type { EventData } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';

/** An offer of the graph to rebuild a task, as far as it stands. */
export interface Offer {
  readonly position: number;
  readonly eventId: string;
  readonly at: string;
  readonly due: EventData<'rebuild.due'>;
  /** A run was queued for it. */
  readonly taken: boolean;
}

/** Failed builds in a row of one input key. */
export interface Failures {
  readonly key: string;
  readonly count: number;
  readonly last: { readonly at: string; readonly reason: string; readonly eventId: string };
}

export interface TaskBook {
  readonly offer: Offer | null;
  readonly failures: Failures | null;
}

export const emptyBook: TaskBook = { offer: null, failures: null };

/**
 * What admission knows of each task, from one event; keys of automatic runs come from `keyOf`.
 * @param hashBefore definition hash of the task before the event
 */
export const evolveBook = (
  book: TaskBook,
  event: RecordedEvent,
  keyOf: (run: string) => string | null,
  hashBefore: string | undefined,
): TaskBook => {
  switch (event.type) {
    case 'rebuild.due':
      return {
        ...book,
        offer: { position: event.sequence, eventId: event.id, at: event.time, due: event.data, taken: false },
      };
    case 'rebuild.blocked':
    case 'rebuild.settled':
    case 'task.deleted':
      return { ...book, offer: null };
    case 'task.created':
      return emptyBook;
    case 'task.updated':
      // The graph counts anew for another build too; the two must agree, or the circuit opens for one of them only.
      return event.data.definitionHash === hashBefore || !book.failures ? book : { ...book, failures: null };
    case 'run.queued':
      return book.offer && event.data.offer === book.offer.position
        ? { ...book, offer: { ...book.offer, taken: true } }
        : book;
    case 'run.succeeded':
      return { ...book, failures: null };
    case 'run.failed':
    case 'run.timed-out': {
      const key = keyOf(event.data.run);
      if (key === null) return book;
      const reason =
        event.type === 'run.failed' ? event.data.reason : `The run took longer than ${event.data.seconds} s.`;
      const count = book.failures?.key === key ? book.failures.count + 1 : 1;
      return { ...book, failures: { key, count, last: { at: event.time, reason, eventId: event.id } } };
    }
    case 'task.circuit-closed':
      return event.data.reason === 'HalfOpen' ? book : { ...book, failures: null };
    default:
      return book;
  }
};

/** Task that an event is about, where admission cares. */
export const taskOf = (event: RecordedEvent): string | null => {
  switch (event.type) {
    case 'rebuild.due':
    case 'rebuild.blocked':
    case 'rebuild.settled':
    case 'task.deleted':
    case 'task.scanned':
    case 'task.circuit-opened':
    case 'task.circuit-closed':
    case 'run.queued':
    case 'run.succeeded':
    case 'run.failed':
    case 'run.canceled':
    case 'run.timed-out':
    case 'run.errored':
      return event.data.task;
    case 'task.created':
    case 'task.updated':
      return event.data.definition.name;
    default:
      return null;
  }
};
