import type { AggregateKind, EventType } from '#libs/contracts';
import type { Proposed, RecordedEvent } from './log.js';

/**
 * An aggregate as three pure functions: no I/O, no clock, no randomness. What it needs of these comes in the command.
 */
export interface Decider<State, Command, E extends EventType = EventType> {
  readonly kind: AggregateKind;
  readonly initialState: State;
  /** What happens because of the command; nothing when the list is empty. @throws PlinthError to refuse */
  decide(command: Command, state: State): readonly Proposed<E>[];
  /** The state after an event. Never throws, never changes the state that it is given. */
  evolve(state: State, event: RecordedEvent<E>): State;
  /** The aggregate is over: its state may leave memory, and is not restated when its book is closed. */
  isOver?(state: State): boolean;
}
