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

  constructor(log: SimulatedLog) {
    log.onEvent((event) => this.apply(event));
  }

  active(task: string): SimulatedRun[] {
    return [...this.all.values()].filter((run) => run.task === task && run.state !== 'Over');
  }

  private apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'run.queued': {
        const { run, task } = event.data;
        const number = this.all.size;
        this.all.set(run, { run, task: task ?? '', queued: event.data, number, state: 'Queued' });
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
    if (run) run.state = state;
  }
}
