import { isDeepStrictEqual } from 'node:util';
import type { EventType } from '#libs/contracts';
import type { Decider, Proposed, RecordedEvent } from '#libs/event-log';

export interface Then<E extends EventType> {
  /** The command makes exactly these events happen; none for nothing. */
  then(...expected: readonly Proposed<E>[]): void;
  /** The command is refused with an error of this `code`. */
  thenThrows(code: string): void;
}

export interface Given<Command, E extends EventType, State> {
  when(command: Command): Then<E>;
  /** The state that the events led to, for what is best asked of the state. */
  readonly state: State;
}

const show = (value: unknown): string => JSON.stringify(value, undefined, 2);
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/**
 * Given these events, when this command, then those events. Events may be proposed ones; the circumstances are
 * filled in: sequences 1, 2, 3 …, ids `event-1` …, one second apart from 2026-01-01T00:00:00Z.
 */
export const decider = <State, Command, E extends EventType>(
  subject: Decider<State, Command, E>,
  id = 'subject',
): { given(...events: readonly (Proposed<E> | RecordedEvent<E>)[]): Given<Command, E, State> } => ({
  given(...events) {
    const state = events.reduce<State>((current, event, index) => {
      const recorded = {
        sequence: index + 1,
        id: `event-${index + 1}`,
        aggregate: { kind: subject.kind, id },
        time: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
        causation: null,
        correlation: null,
        traceparent: null,
        ...event,
      } as unknown as RecordedEvent<E>;
      return subject.evolve(current, recorded);
    }, subject.initialState);
    return {
      state,
      when: (command) => ({
        // Given, when, then is how a test reads; nobody awaits this object.
        // oxlint-disable-next-line unicorn/no-thenable
        then(...expected) {
          const actual = subject.decide(command, state);
          if (isDeepStrictEqual(plain(actual), plain(expected))) return;
          throw new Error(`Expected events:\n${show(expected)}\nbut the decider gave:\n${show(actual)}`);
        },
        thenThrows(code) {
          let events: unknown;
          try {
            events = subject.decide(command, state);
          } catch (error) {
            if ((error as { code?: unknown }).code === code) return;
            throw error;
          }
          throw new Error(`Expected a refusal with ${code}, but the decider gave:\n${show(events)}`);
        },
      }),
    };
  },
});
