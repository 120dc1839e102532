import type { Decider } from '#libs/event-log';
import type { Evaluation } from '../model/evaluate.js';
import type { TaskNode } from '../model/nodes.js';

/** What has been said of a task's rebuild so far. */
export interface RebuildState {
  /** Key of the offer that stands. */
  readonly offered: string | null;
  /** Why it was said to be blocked: reason and by what. */
  readonly blocked: string | null;
}

export interface RebuildCommand {
  readonly task: string;
  readonly evaluation: Evaluation;
  /** The run that the last offer led to has ended, or there was no offer. */
  readonly offerOver: boolean;
  /** Position that the evaluation was made at. */
  readonly basis: number;
  readonly waves: readonly string[];
  /** Found by comparing everything: nothing had told of it. */
  readonly recreated?: boolean;
}

type RebuildEvent = 'rebuild.due' | 'rebuild.blocked' | 'rebuild.settled';

/** Reasons that end by themselves, soon: said only to withdraw an offer, or a large wave would fill the log with them. */
const passing = new Set(['UpstreamPending', 'Settling', 'Running']);

/** What the model knows of what was said of a task. */
type Said = Pick<TaskNode, 'offer' | 'saidBlocked'>;

const isOpen = ({ offer }: Said): boolean => offer !== null && !offer.over;

/** Neither an offer nor a reason stands that could be taken back. */
export const isUnsaid = (task: Said): boolean => !isOpen(task) && !task.saidBlocked;

/** Whether the decider has nothing to say, as far as can be told without what it said last; then it need not be asked. */
export const saysNothing = (evaluation: Evaluation, task: Said): boolean => {
  switch (evaluation.kind) {
    case 'running':
      return true;
    case 'settled':
      return isUnsaid(task);
    case 'blocked':
      return passing.has(evaluation.reason) && !isOpen(task);
    case 'due':
      return false;
  }
};

/**
 * One rebuild per task: the offer to build it, or why not. A key that was offered before is offered again when the run
 * it led to is over; ids and keys seen before suppress nothing, since a task may come back to a key.
 */
export const rebuildDecider: Decider<RebuildState, RebuildCommand, RebuildEvent> = {
  kind: 'rebuild',
  initialState: { offered: null, blocked: null },
  decide: ({ task, evaluation, offerOver, basis, waves, recreated }, state) => {
    const open = state.offered !== null && !offerOver;
    switch (evaluation.kind) {
      case 'running':
        return [];
      case 'settled':
        return open || state.blocked !== null ? [{ type: 'rebuild.settled', data: { task, basis } }] : [];
      case 'blocked': {
        const { reason, by } = evaluation;
        const said = `${reason} ${by.join(' ')}`;
        if (!open && (passing.has(reason) || state.blocked === said)) return [];
        return [{ type: 'rebuild.blocked', data: { task, reason, by, basis } }];
      }
      case 'due': {
        const { key, causes, pins, sourceRevision } = evaluation;
        if (open && state.offered === key) return [];
        const how = recreated ? { recreated } : {};
        const due = { task, key, causes, pins, sourceRevision, basis, waves: [...waves], ...how };
        return [{ type: 'rebuild.due', data: due }];
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'rebuild.due':
        return { offered: event.data.key, blocked: null };
      case 'rebuild.blocked':
        return { offered: null, blocked: `${event.data.reason} ${event.data.by.join(' ')}` };
      case 'rebuild.settled':
        return { offered: null, blocked: null };
      default:
        return state;
    }
  },
};
