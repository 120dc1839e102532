import type { EventData } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import type { SimulatedLog } from './log.js';

export interface SimulatedRun {
  readonly run: string;
  readonly task: string;
  readonly queued: EventData<'run.queued'>;
  readonly number: number;
  state: 'Queued' | 'Dispatched' | 'Started' | 'Over';
}

/** The runs as the log has them: what the expected sequence lets a writer of a run's subject know. */
export class Runs {
  readonly all = new Map<string, SimulatedRun>();
  /** Runs that are queued, in the order in which they were. */
  readonly queued = new Set<SimulatedRun>();
  /** Runs that are dispatched or started, by task. */
  readonly inHand = new Map<string, Set<SimulatedRun>>();
  private readonly byTask = new Map<string, Set<SimulatedRun>>();

  constructor(log: SimulatedLog) {
    log.onEvent((event) => this.apply(event));
  }

  active(task: string): SimulatedRun[] {
    return [...(this.byTask.get(task) ?? [])];
  }

  private apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'run.queued': {
        const { run: id, task } = event.data;
        const number = this.all.size;
        const run: SimulatedRun = { run: id, task: task ?? '', queued: event.data, number, state: 'Queued' };
        this.all.set(id, run);
        this.queued.add(run);
        add(this.byTask, run);
        return;
      }
      case 'run.dispatched':
        return this.set(event.data.run, 'Dispatched');
      case 'run.started':
        return this.set(event.data.run, 'Started');
      case 'run.succeeded':
      case 'run.failed':
      case 'run.timed-out':
      case 'run.canceled':
        return this.set(event.data.run, 'Over');
      default:
        return;
    }
  }

  private set(id: string, state: SimulatedRun['state']): void {
    const run = this.all.get(id);
    if (!run) return;
    run.state = state;
    this.queued.delete(run);
    if (state !== 'Over') return add(this.inHand, run);
    for (const runs of [this.inHand, this.byTask]) {
      const ofTask = runs.get(run.task);
      if (ofTask?.delete(run) && ofTask.size === 0) runs.delete(run.task);
    }
  }
}

const add = (runs: Map<string, Set<SimulatedRun>>, run: SimulatedRun): void => {
  const ofTask = runs.get(run.task) ?? new Set();
  runs.set(run.task, ofTask.add(run));
};
