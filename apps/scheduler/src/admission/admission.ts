import type { Cause, EventData } from '#libs/contracts';
import { failuresToOpenCircuit, runDecider, type RunCommand, type RunState } from '#libs/domain';
import type { AggregateStore, Clock, Commands, Logger } from '#libs/event-log';
import { taskDecider, type TaskState } from '../tasks/task.decider.js';
import { emptyBook, type Offer, type TaskBook } from './offers.js';

export interface AdmissionDependencies {
  readonly books: ReadonlyMap<string, TaskBook>;
  readonly tasks: AggregateStore<TaskState>;
  readonly runs: AggregateStore<RunState>;
  /** Runs of a task that are queued or running. */
  readonly activeRunsOf: (task: string) => readonly string[];
  readonly commands: Commands;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Id of the run that answers an offer: given by the position of the offer, so it is queued once however often it is tried. */
export const runIdOf = (offer: number): string => `c${offer.toString(36)}`;

const retryMs = 1000;

const priorityOf = (causes: readonly Cause[]): EventData<'run.queued'>['priority'] => {
  if (causes.some(({ type }) => type === 'DefinitionChanged')) return 'SourceChange';
  return causes.some((cause) => cause.type === 'BaseImageMoved' && cause.urgent) ? 'UrgentBase' : 'Base';
};

/**
 * Turns offers of the graph into queued runs, takes withdrawn ones back, and opens and closes circuits. What it does
 * follows from the books alone; a task that could not be attended to is attended to again.
 */
export class Admission {
  private readonly busy = new Map<string, boolean>();
  private readonly timers = new Map<string, () => void>();
  private stopped = false;

  constructor(private readonly with_: AdmissionDependencies) {}

  attend(tasks: Iterable<string>): void {
    for (const task of tasks) {
      if (this.busy.has(task)) this.busy.set(task, true);
      else void this.work(task);
    }
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.timers.values()) cancel();
  }

  private async work(task: string): Promise<void> {
    do {
      this.busy.set(task, false);
      try {
        await this.once(task);
      } catch (error) {
        this.with_.logger.warn({ task, error: String(error) }, 'cannot admit; trying again');
        this.later(task, retryMs);
      }
    } while (this.busy.get(task) && !this.stopped);
    this.busy.delete(task);
  }

  private later(task: string, ms: number): void {
    if (this.stopped) return;
    this.timers.get(task)?.();
    this.timers.set(
      task,
      // A timer of Node holds at most 2^31 - 1 ms; attending early costs nothing.
      this.with_.clock.setTimeout(() => this.attend([task]), Math.min(Math.max(ms, 1), 86_400_000)),
    );
  }

  private async once(task: string): Promise<void> {
    const { books, tasks } = this.with_;
    const book = books.get(task) ?? emptyBook;
    const { definition, definitionHash } = tasks.get(task).state;
    await this.circuit(task, book);
    for (const run of this.with_.activeRunsOf(task)) {
      const { queued, phase } = this.with_.runs.get(run).state;
      if (!queued) continue;
      if (phase !== 'Queued' && phase !== 'Dispatched') {
        // It would publish for nobody. A builder that has begun to move tags brings that to its end.
        if (!definition) await this.execute(run, { type: 'request-cancel', run, by: 'The deletion of its task' });
        continue;
      }
      if (!definition)
        await this.execute(run, { type: 'supersede', run, reason: 'TaskDeleted', message: 'The task was deleted.' });
      else if (
        queued.offer !== null &&
        (queued.offer !== book.offer?.position || queued.definitionHash !== definitionHash)
      ) {
        const message = 'What it was to build on changed before it started.';
        await this.execute(run, { type: 'supersede', run, reason: 'Superseded', message });
      }
    }
    if (definition && book.offer && !book.offer.taken) await this.queue(task, book.offer, book);
  }

  private async queue(task: string, offer: Offer, { failures }: TaskBook): Promise<void> {
    const { definition, definitionHash, circuit } = this.with_.tasks.get(task).state;
    if (!definition) return;
    const { due } = offer;
    if (circuit && circuit.key !== due.key) await this.close(task, 'NewInputs', offer.eventId);
    const run = runIdOf(offer.position);
    const tried = failures?.key === due.key && failures.count >= failuresToOpenCircuit;
    const queued: EventData<'run.queued'> = {
      run,
      task,
      runType: 'AutoBuild',
      key: due.key,
      causes: due.causes,
      offer: offer.position,
      definition,
      definitionHash,
      overridden: false,
      pins: due.pins,
      sourceRevision: due.sourceRevision,
      priority: tried ? 'HalfOpen' : priorityOf(due.causes),
      waves: due.waves,
      createdAt: this.with_.clock.now().toISOString(),
    };
    await this.execute(run, { type: 'queue', queued }, offer.eventId);
  }

  private async circuit(task: string, { failures }: TaskBook): Promise<void> {
    const { clock, commands, tasks } = this.with_;
    if (failures && failures.count >= failuresToOpenCircuit) {
      const { key, count, last } = failures;
      await commands.execute(
        tasks,
        taskDecider,
        task,
        { type: 'open-circuit', name: task, key, failures: count, at: last.at, reason: last.reason },
        { causation: last.eventId },
      );
    }
    const { circuit, opened } = tasks.get(task).state;
    // Also when a half-open try closed it before: else the same key could never open it again.
    if (!failures && (circuit || opened)) return this.close(task, 'Succeeded');
    if (!circuit) return;
    const wait = Date.parse(circuit.retryAt) - clock.now().getTime();
    if (wait > 0) this.later(task, wait);
    else await this.close(task, 'HalfOpen');
  }

  private async close(
    task: string,
    reason: EventData<'task.circuit-closed'>['reason'],
    causation?: string,
  ): Promise<void> {
    const { commands, tasks } = this.with_;
    await commands.execute(tasks, taskDecider, task, { type: 'close-circuit', name: task, reason }, { causation });
  }

  private async execute(run: string, command: RunCommand, causation?: string): Promise<void> {
    const { commands, runs } = this.with_;
    await commands.execute(runs, runDecider, run, command, { causation });
  }
}
