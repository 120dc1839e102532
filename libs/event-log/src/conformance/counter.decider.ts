import { PlinthError } from '#libs/contracts';
import type { Decider } from '../decider.js';

/** A small decider for the suites: confirmations of a tag, counted. */
export interface Counter {
  readonly watched: boolean;
  readonly runs: readonly string[];
}
export type CounterCommand = { type: 'watch' } | { type: 'confirm'; run: string } | { type: 'unwatch' };
export type CounterEvent = 'tag.watched' | 'tag.confirmed' | 'tag.unwatched';

const reference = 'docker.io/library/node:22';

export const counter: Decider<Counter, CounterCommand, CounterEvent> = {
  kind: 'tag',
  initialState: { watched: false, runs: [] },
  decide(command, state) {
    switch (command.type) {
      case 'watch':
        return state.watched ? [] : [{ type: 'tag.watched', data: { reference } }];
      case 'unwatch':
        return state.watched ? [{ type: 'tag.unwatched', data: { reference } }] : [];
      case 'confirm':
        if (!state.watched) throw new PlinthError('FAILED_PRECONDITION', 'It is not watched.');
        return state.runs.includes(command.run)
          ? []
          : [{ type: 'tag.confirmed', data: { reference, digest: null, run: command.run } }];
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'tag.watched':
        return { ...state, watched: true };
      case 'tag.unwatched':
        return { ...state, watched: false };
      case 'tag.confirmed':
        return { ...state, runs: [...state.runs, event.data.run] };
    }
  },
  isOver: (state) => !state.watched,
};
