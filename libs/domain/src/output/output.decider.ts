import type { EventData } from '#libs/contracts';
import type { Decider } from '#libs/event-log';

/** What is known of a tag that tasks push, beside what they push. */
export interface OutputState {
  /** What somebody else put there, while it is there. */
  readonly foreign: string | null;
  /** Pairs of tasks that push it, as they were reported. */
  readonly pairs: readonly (readonly [string, string])[];
}

export type OutputCommand =
  | ({ readonly type: 'repaired' } & EventData<'output.repaired'>)
  | ({ readonly type: 'foreign' } & EventData<'output.foreign'>)
  | ({ readonly type: 'regained' } & EventData<'output.regained'>)
  /** These tasks push it, all of them now. */
  | { readonly type: 'pushed'; readonly reference: string; readonly by: readonly string[] };

type OutputEvent = 'output.repaired' | 'output.foreign' | 'output.regained' | 'output.shared';

/**
 * A tag that tasks push. It has two writers: builders, who compare it with the registry, and the graph, which knows who
 * pushes it. What goes on is said once, however often it is seen.
 */
export const outputDecider: Decider<OutputState, OutputCommand, OutputEvent> = {
  kind: 'output',
  initialState: { foreign: null, pairs: [] },
  decide: (command, state) => {
    switch (command.type) {
      case 'repaired': {
        const { type: _type, ...data } = command;
        return [{ type: 'output.repaired', data }];
      }
      case 'foreign': {
        const { type: _type, ...data } = command;
        return state.foreign === data.found ? [] : [{ type: 'output.foreign', data }];
      }
      case 'regained': {
        const { type: _type, ...data } = command;
        return state.foreign === null ? [] : [{ type: 'output.regained', data }];
      }
      case 'pushed': {
        const { reference } = command;
        const by = [...new Set(command.by)].sort();
        return by
          .flatMap((one, at) => by.slice(at + 1).map((other): [string, string] => [one, other]))
          .filter(([one, other]) => !state.pairs.some(([a, b]) => a === one && b === other))
          .map((tasks) => ({ type: 'output.shared', data: { reference, tasks } }));
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'output.foreign':
        return { ...state, foreign: event.data.found };
      case 'output.regained':
      case 'output.repaired':
        return { ...state, foreign: null };
      case 'output.shared':
        return { ...state, pairs: [...state.pairs, event.data.tasks] };
      default:
        return state;
    }
  },
  isOver: ({ foreign, pairs }) => foreign === null && pairs.length === 0,
};
