import { runDecider, type RunState } from '#libs/domain';
import type { AggregateStore, Clock, Commands, Logger } from '#libs/event-log';
import { taskDecider, type TaskState } from '../tasks/task.decider.js';
import { attend } from './attend.js';
import { emptyBook, type TaskBook } from './offers.js';

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

const retryMs = 1000;

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
    const { books, tasks, runs, commands, clock } = this.with_;
    const { steps, again } = attend({
      task,
      book: books.get(task) ?? emptyBook,
      state: tasks.get(task).state,
      runs: this.with_.activeRunsOf(task).map((run) => ({ run, state: runs.get(run).state })),
      now: clock.now().getTime(),
    });
    if (again !== null) this.later(task, again);
    for (const step of steps) {
      const { causation } = step;
      if (step.on === 'task') await commands.execute(tasks, taskDecider, task, step.command, { causation });
      else await commands.execute(runs, runDecider, step.run, step.command, { causation });
    }
  }
}
