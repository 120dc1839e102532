import type { EventData, EventType } from '#libs/contracts';
import { isAttemptLost, runDecider, type RunCommand, type RunState } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import type { Candidate } from '../../apps/scheduler/src/admission/plan.js';
import type { SimulatedLog } from './log.js';

type RunEvent = Parameters<typeof runDecider.evolve>[1];

/** The runs as the log has them, by the decider of production: what the expected sequence lets a writer of one know. */
export class Runs {
  private readonly states = new Map<string, RunState>();
  /** Runs that are queued or running, in the order in which they were queued. */
  private readonly candidates = new Map<string, Candidate>();
  private readonly byTask = new Map<string, Set<string>>();
  /** Those of them that are queued. */
  readonly waiting = new Set<string>();

  constructor(private readonly log: SimulatedLog) {
    log.onEvent((event) => {
      if (event.aggregate.kind === 'run') this.apply(event as RunEvent);
    });
  }

  get(run: string): RunState {
    return this.states.get(run) ?? runDecider.initialState;
  }

  /** Of one task, or of all. */
  *active(task?: string): Generator<Candidate> {
    if (task === undefined) return yield* this.candidates.values();
    for (const run of this.byTask.get(task) ?? []) yield this.candidates.get(run)!;
  }

  activeOf(task: string): Candidate[] {
    return [...this.active(task)];
  }

  /** Appends what follows from a command; false when nothing does, or whoever says so has lost the run. */
  do(run: string, command: RunCommand): boolean {
    let appended = false;
    try {
      for (const { type, data } of runDecider.decide(command, this.get(run))) {
        this.log.append({ kind: 'run', id: run }, type as EventType, data as EventData<EventType>);
        appended = true;
      }
    } catch (error) {
      if (!isAttemptLost(error)) throw error;
    }
    return appended;
  }

  private apply(event: RunEvent & RecordedEvent): void {
    const { run } = event.data;
    const state = runDecider.evolve(this.get(run), event);
    this.states.set(run, state);
    if (state.phase === 'Queued') this.waiting.add(run);
    else this.waiting.delete(run);
    const task = state.queued?.task ?? '';
    if (state.phase !== 'Ended') {
      this.candidates.set(run, { run, sequence: event.sequence, state });
      const ofTask = this.byTask.get(task) ?? new Set();
      this.byTask.set(task, ofTask.add(run));
      return;
    }
    this.candidates.delete(run);
    const ofTask = this.byTask.get(task);
    if (ofTask?.delete(run) && ofTask.size === 0) this.byTask.delete(task);
  }
}
