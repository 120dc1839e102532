import { isConcurrencyError, type AggregateStore, type Clock, type Commands, type Logger } from '#libs/event-log';
import { evaluate, type Patience } from '../model/evaluate.js';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import type { WaveBook } from '../waves/wave-book.js';
import { waveDecider, type WaveState } from '../waves/wave.decider.js';
import { rebuildDecider, type RebuildState } from './rebuild.decider.js';

export interface RebuildManagerDependencies {
  readonly model: GraphModel;
  readonly waves: WaveBook;
  readonly rebuilds: AggregateStore<RebuildState>;
  readonly waveStates: AggregateStore<WaveState>;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly patience: Patience;
  /** Position that the model stands at. */
  readonly position: () => number;
}

/** Appends under way at once: as many as the log answers in one flush. */
const concurrency = 64;
const retryMs = 1000;

/**
 * Turns what the graph shows into offers: for every task that something changed for, it decides again and appends what
 * is new. It works only at the head of the log, and keeps nothing that the log would not give back.
 */
export class RebuildManager {
  private readonly waiting = new Set<TaskNode>();
  /** Tasks whose decision is under way: a second one would not know of the offer that the first one makes. */
  private readonly deciding = new Set<TaskNode>();
  private readonly timers = new Map<TaskNode, () => void>();
  private readonly announcing = new Set<string>();
  private stopped = false;

  constructor(private readonly with_: RebuildManagerDependencies) {}

  /** Tasks to be decided again, at the head of the log. */
  decide(tasks: Iterable<TaskNode>): void {
    for (const task of tasks) this.waiting.add(task);
    this.announceWaves();
    this.pump();
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.timers.values()) cancel();
  }

  private pump(): void {
    for (const task of this.waiting) {
      if (this.deciding.size >= concurrency || this.stopped) return;
      if (this.deciding.has(task)) continue;
      this.waiting.delete(task);
      this.deciding.add(task);
      void this.one(task).finally(() => {
        this.deciding.delete(task);
        this.pump();
      });
    }
  }

  private async one(task: TaskNode): Promise<void> {
    const { model, rebuilds, commands, clock, logger, patience, position } = this.with_;
    this.timers.get(task)?.();
    this.timers.delete(task);
    // What was said last is not in the model yet: its event comes back through the log, and the task with it.
    if (rebuilds.get(task.name).sequence > position()) return;
    const now = clock.now().getTime();
    const evaluation = evaluate(task, model.images, now, patience);
    if (evaluation.kind === 'blocked' && evaluation.again !== null) this.again(task, evaluation.again - now);
    const basis = position();
    try {
      await commands.execute(
        rebuilds,
        rebuildDecider,
        task.name,
        {
          task: task.name,
          evaluation,
          offerOver: task.offer?.over ?? true,
          basis,
          waves: [...task.waves],
        },
        { onConflict: 'give-up' },
      );
    } catch (error) {
      // A conflict: another replica was first. Its event comes back through the log and the task is decided again.
      if (isConcurrencyError(error)) return this.again(task, retryMs);
      logger.warn({ task: task.name, error: String(error) }, 'cannot say what is due; trying again');
      this.again(task, retryMs);
    }
  }

  private again(task: TaskNode, ms: number): void {
    if (this.stopped) return;
    this.timers.get(task)?.();
    this.timers.set(
      task,
      this.with_.clock.setTimeout(() => this.decide([task]), Math.max(ms, 1)),
    );
  }

  private announceWaves(): void {
    for (const wave of this.with_.waves.waves.values()) {
      if (!wave.announced) void this.announce(wave.id, 'open');
      else if (wave.closedAt !== null && !wave.closeAnnounced) void this.announce(wave.id, 'close');
    }
  }

  private async announce(id: string, type: 'open' | 'close'): Promise<void> {
    const wave = this.with_.waves.waves.get(id);
    const key = `${type} ${id}`;
    if (!wave || this.announcing.has(key)) return;
    this.announcing.add(key);
    try {
      await this.with_.commands.execute(this.with_.waveStates, waveDecider, id, { type, wave }, {});
    } catch (error) {
      this.with_.logger.warn({ wave: id, error: String(error) }, 'cannot announce a wave; trying again later');
    } finally {
      this.announcing.delete(key);
    }
  }
}
