import type { AggregateKind, EventType } from '#libs/contracts';
import type { CatchUp } from '../commands/commands.js';
import { isConcurrencyError, LogError } from '../errors.js';
import type { EventLog, NewEvent } from '../log.js';
import type { AggregateStore } from '../projection/aggregate-store.js';

/** Who may restate aggregates of a kind: the service that owns them. */
export interface BookOwner {
  readonly kind: AggregateKind;
  /** Restates every live aggregate whose last event is at `upTo` or before; answers how many there were. */
  restate(upTo: number): Promise<number>;
  /** How many live aggregates have their last event at `upTo` or before; 0 after `restate`. */
  remaining(upTo: number): number;
}

/** How long a store may take to read what the book holds. */
const catchUpMs = 60_000;

/** The owner of what a store holds; `projector` is the one that fills the store. */
export const ownerOf = <State>(
  kind: AggregateKind,
  store: AggregateStore<State>,
  log: EventLog,
  projector: CatchUp,
): BookOwner => {
  const left = (upTo: number): [string, { state: State; sequence: number }][] =>
    [...store.all({ live: true })]
      .filter(([, { sequence }]) => sequence <= upTo)
      .map(([id, { state, sequence }]) => [id, { state, sequence }]);
  return {
    kind,
    remaining: (upTo) => left(upTo).length,
    async restate(upTo) {
      // What the store has not read yet it would not restate either.
      if (!(await projector.waitFor(upTo, { timeoutMs: catchUpMs }))) {
        const where = `the store of kind ${kind} has read the log up to ${projector.position}`;
        throw new LogError('BOOK_INVALID', `The book up to ${upTo} stays open: ${where}. Close it when it caught up.`);
      }
      const found = left(upTo);
      for (const [id, { state, sequence }] of found) {
        const type: EventType = `${kind}.restated`;
        const event = { type, id: `restated-${sequence}`, data: { state } } as NewEvent;
        try {
          const { events } = await log.append({ kind, id }, sequence, [event]);
          for (const appended of events) store.applied(appended);
        } catch (error) {
          // Somebody changed it meanwhile: then its last event is not in the book any more.
          if (!isConcurrencyError(error) || error.actual <= upTo) throw error;
        }
      }
      return found.length;
    },
  };
};
