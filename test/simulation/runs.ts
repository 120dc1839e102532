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
  /** How many are queued. */
  waiting = 0;

  constructor(private readonly log: SimulatedLog) {
    log.onEvent((event) => {
      if (event.aggregate.kind === 'run') this.apply(event as RunEvent);
    });
  }

  get(run: string): RunState {
    return this.states.get(run) ?? runDecider.initialState;
  }

  active(): Iterable<Candidate> {
    return this.candidates.values();
  }

  activeOf(task: string): Candidate[] {
    return [...(this.byTask.get(task) ?? [])].map((run) => this.candidates.get(run)!);
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
    const before = this.get(run);
    const state = runDecider.evolve(before, event);
    this.states.set(run, state);
    this.waiting += Number(state.phase === 'Queued') - Number(before.phase === 'Queued');
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
