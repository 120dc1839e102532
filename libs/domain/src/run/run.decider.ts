import { PlinthError, type EventData, type FailureCode, type PushedImage, type UsedInput } from '#libs/contracts';
import type { Decider } from '#libs/event-log';

export type QueuedRun = EventData<'run.queued'>;

/** Where a run is. `Built` is running with its digests decided. */
export type RunPhase = 'None' | 'Queued' | 'Dispatched' | 'Started' | 'Built' | 'Ended';

export interface BuiltRun {
  readonly outputs: readonly PushedImage[];
  readonly inputs: readonly UsedInput[];
  readonly sourceRevision: string | null;
}

export interface RunState {
  readonly phase: RunPhase;
  readonly queued: QueuedRun | null;
  /** Number of the newest attempt: dispatched, or taken over by a builder. 0 before the first. */
  readonly attempt: number;
  /** Attempt that the newest dispatch named; a builder that takes a lost run over raises `attempt` beyond it. */
  readonly dispatched: number;
  readonly builder: string | null;
  readonly cancelRequested: boolean;
  /** The log says that no builder serves its pool. */
  readonly unplaced: boolean;
  /** Not before this moment is it dispatched again, after an error of ours. */
  readonly retryAt: string | null;
  readonly built: BuiltRun | null;
}

export type RunCommand =
  | { readonly type: 'queue'; readonly queued: QueuedRun }
  | { readonly type: 'unplaced' }
  | { readonly type: 'dispatch'; readonly pool: string }
  | {
      readonly type: 'start';
      readonly run: string;
      /** Attempt that the dispatch message named. */
      readonly dispatched: number;
      readonly builder: string;
      readonly slot: number;
      readonly engine: string;
      readonly isolation: EventData<'run.started'>['isolation'];
    }
  | { readonly type: 'built'; readonly run: string; readonly attempt: number; readonly built: BuiltRun }
  | { readonly type: 'succeed'; readonly run: string; readonly attempt: number; readonly unchanged: boolean }
  | {
      readonly type: 'fail';
      readonly run: string;
      readonly attempt: number;
      readonly code: FailureCode;
      readonly reason: string;
    }
  | { readonly type: 'time-out'; readonly run: string; readonly attempt: number; readonly seconds: number }
  | {
      readonly type: 'error';
      readonly run: string;
      readonly attempt: number;
      readonly reason: string;
      readonly retryAt: string | null;
    }
  | {
      readonly type: 'canceled';
      readonly run: string;
      readonly attempt: number;
      readonly reason: 'Requested' | 'Superseded';
      readonly message: string;
    }
  | { readonly type: 'request-cancel'; readonly run: string; readonly by: string }
  | {
      readonly type: 'supersede';
      readonly run: string;
      readonly reason: 'Superseded' | 'TaskDeleted';
      readonly message: string;
    };

type RunEvent =
  | 'run.queued'
  | 'run.unplaced'
  | 'run.dispatched'
  | 'run.started'
  | 'run.built'
  | 'run.succeeded'
  | 'run.failed'
  | 'run.cancel-requested'
  | 'run.canceled'
  | 'run.timed-out'
  | 'run.errored';

/** The builder no longer holds the run: another attempt was started, or the run ended. It stops and touches nothing. */
export class AttemptLostError extends Error {
  readonly code = 'ATTEMPT_LOST';
}
export const isAttemptLost = (error: unknown): error is AttemptLostError =>
  error instanceof Error && (error as Partial<AttemptLostError>).code === 'ATTEMPT_LOST';

const held = (state: RunState, run: string, attempt: number): QueuedRun => {
  const running = state.phase === 'Started' || state.phase === 'Built';
  if (!running || state.attempt !== attempt || !state.queued) {
    throw new AttemptLostError(
      `Attempt ${attempt} of run ${run} is over: the run is ${state.phase} at attempt ${state.attempt}.`,
    );
  }
  return state.queued;
};

/**
 * A run has two writers: the scheduler, and the builder that holds the current attempt. Every word of a builder
 * carries its attempt and any other is refused, so a builder that lost its run learns it at its next append.
 */
export const runDecider: Decider<RunState, RunCommand, RunEvent> = {
  kind: 'run',
  initialState: {
    phase: 'None',
    queued: null,
    attempt: 0,
    dispatched: 0,
    builder: null,
    cancelRequested: false,
    unplaced: false,
    retryAt: null,
    built: null,
  },
  decide: (command, state) => {
    switch (command.type) {
      case 'queue':
        return state.phase === 'None' ? [{ type: 'run.queued', data: command.queued }] : [];
      case 'unplaced': {
        const waits = state.phase === 'Queued' || state.phase === 'Dispatched';
        if (!waits || state.unplaced || !state.queued) return [];
        const { run, task, definition } = state.queued;
        return [{ type: 'run.unplaced', data: { run, task, pool: definition.agentPoolName } }];
      }
      case 'dispatch': {
        if (state.phase !== 'Queued' || !state.queued) return [];
        const { run } = state.queued;
        return [{ type: 'run.dispatched', data: { run, attempt: state.attempt + 1, pool: command.pool } }];
      }
      case 'start': {
        const { run, dispatched, builder, slot, engine, isolation } = command;
        const running = state.phase === 'Started' || state.phase === 'Built';
        if (state.dispatched !== dispatched || !(running || state.phase === 'Dispatched')) {
          throw new AttemptLostError(`Run ${run} is not dispatched as attempt ${dispatched}: it is ${state.phase}.`);
        }
        // A dispatch that is delivered again while the run is running: its builder lost the lease. Take it over.
        const attempt = running ? state.attempt + 1 : state.attempt;
        return [{ type: 'run.started', data: { run, attempt, builder, slot, engine, isolation } }];
      }
      case 'built': {
        const { run, attempt, built } = command;
        held(state, run, attempt);
        if (state.built) return [];
        const { outputs, inputs, sourceRevision } = built;
        return [
          { type: 'run.built', data: { run, attempt, outputs: [...outputs], inputs: [...inputs], sourceRevision } },
        ];
      }
      case 'succeed': {
        const { run, attempt, unchanged } = command;
        const { task } = held(state, run, attempt);
        if (!state.built) throw new Error(`Run ${run} cannot succeed before it is built.`);
        const { outputs, inputs, sourceRevision } = state.built;
        return [
          {
            type: 'run.succeeded',
            data: { run, task, attempt, outputs: [...outputs], inputs: [...inputs], sourceRevision, unchanged },
          },
        ];
      }
      case 'fail': {
        const { run, attempt, code, reason } = command;
        return [{ type: 'run.failed', data: { run, task: held(state, run, attempt).task, attempt, code, reason } }];
      }
      case 'time-out': {
        const { run, attempt, seconds } = command;
        return [{ type: 'run.timed-out', data: { run, task: held(state, run, attempt).task, attempt, seconds } }];
      }
      case 'error': {
        const { run, attempt, reason, retryAt } = command;
        return [{ type: 'run.errored', data: { run, task: held(state, run, attempt).task, attempt, reason, retryAt } }];
      }
      case 'canceled': {
        const { run, attempt, reason, message } = command;
        return [
          { type: 'run.canceled', data: { run, task: held(state, run, attempt).task, attempt, reason, message } },
        ];
      }
      case 'request-cancel': {
        const { run, by } = command;
        if (!state.queued) throw new PlinthError('NOT_FOUND', `There is no run ${run}.`);
        if (state.phase === 'Ended' || state.cancelRequested) return [];
        if (state.phase === 'Started' || state.phase === 'Built') {
          return [{ type: 'run.cancel-requested', data: { run, by } }];
        }
        const { task } = state.queued;
        const message = `${by} canceled it before it started.`;
        return [{ type: 'run.canceled', data: { run, task, attempt: null, reason: 'Requested', message } }];
      }
      case 'supersede': {
        const { run, reason, message } = command;
        if (!state.queued || (state.phase !== 'Queued' && state.phase !== 'Dispatched')) return [];
        const { task } = state.queued;
        return [{ type: 'run.canceled', data: { run, task, attempt: null, reason, message } }];
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'run.queued':
        return { ...state, phase: 'Queued', queued: event.data };
      case 'run.unplaced':
        return { ...state, unplaced: true };
      case 'run.dispatched': {
        const { attempt } = event.data;
        return { ...state, phase: 'Dispatched', attempt, dispatched: attempt, unplaced: false };
      }
      case 'run.started':
        return {
          ...state,
          phase: state.built ? 'Built' : 'Started',
          attempt: event.data.attempt,
          builder: event.data.builder,
          unplaced: false,
          retryAt: null,
        };
      case 'run.built': {
        const { outputs, inputs, sourceRevision } = event.data;
        return { ...state, phase: 'Built', built: { outputs, inputs, sourceRevision } };
      }
      case 'run.cancel-requested':
        return { ...state, cancelRequested: true };
      case 'run.errored':
        return event.data.retryAt === null
          ? { ...state, phase: 'Ended' }
          : { ...state, phase: 'Queued', builder: null, retryAt: event.data.retryAt };
      case 'run.succeeded':
      case 'run.failed':
      case 'run.canceled':
      case 'run.timed-out':
        return { ...state, phase: 'Ended' };
      default:
        return state;
    }
  },
  isOver: (state) => state.phase === 'Ended',
};
