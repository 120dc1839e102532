import type { EventData, EventType } from '#libs/contracts';
import { failuresToOpenCircuit } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { attend } from '../../apps/scheduler/src/admission/attend.js';
import { emptyBook, evolveBook, taskOf, type TaskBook } from '../../apps/scheduler/src/admission/offers.js';
import { planDispatch } from '../../apps/scheduler/src/admission/plan.js';
import { absentMs, PoolPresence } from '../../apps/scheduler/src/admission/pool-presence.js';
import { taskDecider, type TaskCommand, type TaskState } from '../../apps/scheduler/src/tasks/task.decider.js';
import type { Chance } from './chance.js';
import type { Agenda, SimulatedLog } from './log.js';
import type { Runs } from './runs.js';

/** The real code that the scheduler runs; a planted bug replaces one of these. */
export interface SchedulerParts {
  readonly attend: typeof attend;
  readonly plan: typeof planDispatch;
}

export const realScheduler: SchedulerParts = { attend, plan: planDispatch };

interface Options {
  readonly log: SimulatedLog;
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly runs: Runs;
  readonly parts: SchedulerParts;
  /** Slots of the builders that are there now. */
  readonly slots: () => number;
  readonly lagMs: number;
  readonly start: (run: string, attempt: number) => void;
}

/** Tries of a circuit that is half open, in a simulation: it must come to rest. */
const triesGranted = 2;
const pool = 'default';

/** The scheduler: the books, the deciders and the plans of production, and a thin shell that appends what they decide. */
export class SimulatedScheduler {
  private readonly books = new Map<string, TaskBook>();
  private readonly tasks = new Map<string, TaskState>();
  private readonly presence = new PoolPresence();
  private position = 0;
  private names = 0;
  private changed = false;
  /** Tasks of whose runs something was heard. */
  private readonly freed = new Set<string>();

  constructor(private readonly options: Options) {
    options.log.onEvent(() => {
      const { agenda, chance, lagMs } = options;
      agenda.in(lagMs > 0 ? chance.between('scheduler reads', 0, lagMs >> 2) : 0, 1, () => this.work());
    });
  }

  /** A person asks for a run. */
  queue(task: string, overridden = false): void {
    const { definition, definitionHash } = this.stateOf(task);
    if (!definition) return;
    const run = `r${(this.names += 1)}`;
    const queued: EventData<'run.queued'> = {
      definition,
      definitionHash,
      run,
      task,
      runType: 'AutoBuild',
      key: null,
      causes: [{ type: 'Manual', by: 'ada', at: '1970-01-01T00:00:00Z' }],
      offer: null,
      overridden,
      pins: [],
      sourceRevision: null,
      priority: 'Interactive',
      waves: [],
      createdAt: '1970-01-01T00:00:00Z',
    };
    this.options.runs.do(run, { type: 'queue', queued });
  }

  /** A person resets what is known of a task's failures. */
  reset(task: string): void {
    if (this.stateOf(task).definition) this.onTask(task, { type: 'close-circuit', name: task, reason: 'Reset' });
  }

  /** Builders came or went. */
  wake(): void {
    this.changed = true;
    this.dispatch();
  }

  private work(): void {
    const { agenda, log } = this.options;
    const touched = new Set<string>();
    // What it adds itself is read in its own turn.
    for (const end = log.events.length; this.position < end;) {
      const event = log.events[this.position]!;
      this.position = event.sequence;
      this.read(event, touched);
    }
    for (const task of touched) this.attend(task);
    agenda.in(0, 1, () => this.dispatch());
  }

  private read(event: RecordedEvent, touched: Set<string>): void {
    const { agenda, runs } = this.options;
    if (event.aggregate.kind === 'run') {
      this.changed = true;
      this.freed.add(runs.get(event.aggregate.id).queued?.task ?? '');
    }
    if (event.type === 'run.errored' && event.data.retryAt !== null) {
      agenda.in(Math.max(0, Date.parse(event.data.retryAt) - agenda.now), 1, () => this.wake());
    }
    const name = taskOf(event);
    if (name === null) return;
    const before = this.stateOf(name);
    const keyOf = (run: string) => runs.get(run).queued?.key ?? null;
    this.books.set(name, evolveBook(this.books.get(name) ?? emptyBook, event, keyOf, before.definitionHash));
    if (event.aggregate.kind === 'task') {
      this.tasks.set(name, taskDecider.evolve(before, event as Parameters<typeof taskDecider.evolve>[1]));
    }
    touched.add(name);
  }

  private attend(task: string): void {
    const { agenda, runs, parts } = this.options;
    const book = this.books.get(task) ?? emptyBook;
    const state = this.stateOf(task);
    const { steps, again } = parts.attend({ task, book, state, runs: runs.activeOf(task), now: agenda.now });
    const failures = book.failures?.count ?? 0;
    if (again !== null && failures < failuresToOpenCircuit + triesGranted) {
      agenda.in(again, 1, () => this.attend(task));
    }
    for (const step of steps) {
      if (step.on === 'run') runs.do(step.run, step.command);
      else this.onTask(task, step.command);
    }
  }

  private onTask(task: string, command: TaskCommand): void {
    for (const { type, data } of taskDecider.decide(command, this.stateOf(task))) {
      this.options.log.append({ kind: 'task', id: task }, type as EventType, data as EventData<EventType>);
    }
  }

  private stateOf(task: string): TaskState {
    return this.tasks.get(task) ?? taskDecider.initialState;
  }

  private dispatch(): void {
    const { agenda, runs, parts, slots, start } = this.options;
    if (!this.changed || runs.waiting.size === 0) return;
    this.changed = false;
    if (slots() === Infinity) {
      for (const task of this.freed) this.dispatchNext(task);
      return this.freed.clear();
    }
    const there = new Map(slots() > 0 ? [[pool, slots()]] : []);
    const candidates = [...runs.active()];
    for (const { run } of parts.plan(candidates, there, agenda.now)) {
      if (runs.do(run, { type: 'dispatch', pool })) start(run, runs.get(run).dispatched);
    }
    if (this.presence.absent([pool], there, agenda.now).has(pool)) {
      for (const { run } of candidates) runs.do(run, { type: 'unplaced' });
    } else if (there.size === 0) agenda.in(absentMs, 1, () => this.wake());
  }

  /** Where there is always a slot there is nothing to be planned, but that a task has one run at a time. */
  private dispatchNext(task: string): void {
    const { runs, start } = this.options;
    for (const { run, state } of runs.active(task)) {
      if (state.phase !== 'Queued') return;
      if (runs.do(run, { type: 'dispatch', pool })) start(run, runs.get(run).dispatched);
      return;
    }
  }
}
