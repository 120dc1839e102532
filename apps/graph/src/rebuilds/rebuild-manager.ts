import { isConcurrencyError, type AggregateStore, type Clock, type Commands, type Logger } from '#libs/event-log';
import { evaluate, type Evaluation, type Patience } from '../model/evaluate.js';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import type { WaveBook } from '../waves/wave-book.js';
import { waveDecider, type WaveState } from '../waves/wave.decider.js';
import { isUnsaid, rebuildDecider, saysNothing, type RebuildState } from './rebuild.decider.js';

/** What it takes to decide about tasks, and to say so. */
export interface OfferDependencies {
  readonly model: GraphModel;
  readonly rebuilds: AggregateStore<RebuildState>;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly patience: Patience;
  /** Position that the model stands at. */
  readonly position: () => number;
}

export interface RebuildManagerDependencies extends OfferDependencies {
  readonly waves: WaveBook;
  readonly waveStates: AggregateStore<WaveState>;
}

/** Appends under way at once: as many as the log answers in one flush. */
const concurrency = 64;
const retryMs = 1000;
/** How long it decides before it lets others do something: answers, and what is appended already. Milliseconds. */
const turnMs = 10;

/** Tasks that are looked at again at one moment. */
interface Alarm {
  readonly tasks: Set<TaskNode>;
  readonly cancel: () => void;
}

/**
 * Turns what the graph shows into offers: for every task that something changed for, it decides again and appends what
 * is new. It works only at the head of the log, and keeps nothing that the log would not give back.
 */
export class RebuildManager {
  private readonly waiting = new Set<TaskNode>();
  /** Tasks whose decision is under way: a second one would not know of the offer that the first one makes. */
  private readonly deciding = new Set<TaskNode>();
  /** By their time: all that one move made stale run out of patience together. */
  private readonly alarms = new Map<number, Alarm>();
  private readonly announcing = new Set<string>();
  private resting = false;
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
    for (const { cancel } of this.alarms.values()) cancel();
  }

  private pump(): void {
    if (this.resting) return;
    const began = performance.now();
    for (const task of this.waiting) {
      if (this.deciding.size >= concurrency || this.stopped) return;
      if (this.deciding.has(task)) continue;
      this.waiting.delete(task);
      this.one(task);
      if (performance.now() - began < turnMs) continue;
      this.resting = true;
      setImmediate(() => {
        this.resting = false;
        this.pump();
      });
      return;
    }
  }

  private one(task: TaskNode): void {
    const { model, clock, patience } = this.with_;
    // One move may make a third of all tasks pending: of most of them there is nothing to say, and that is seen at once.
    if (!task.stale && isUnsaid(task)) return;
    const evaluation = evaluate(task, model.images, clock.now().getTime(), patience);
    if (evaluation.kind === 'blocked' && evaluation.again !== null) this.again(task, evaluation.again);
    if (saysNothing(evaluation, task)) return;
    this.deciding.add(task);
    void this.say(task, evaluation).finally(() => {
      this.deciding.delete(task);
      this.pump();
    });
  }

  private async say(task: TaskNode, evaluation: Evaluation): Promise<void> {
    const { rebuilds, commands, clock, logger, position } = this.with_;
    const { name, offer, waves } = task;
    const basis = position();
    // What was said last is not in the model yet: its event comes back through the log, and the task with it.
    if (rebuilds.get(name).sequence > basis) return;
    const command = { task: name, evaluation, offerOver: offer?.over ?? true, basis, waves };
    try {
      await commands.execute(rebuilds, rebuildDecider, name, command, { onConflict: 'give-up' });
    } catch (error) {
      this.again(task, clock.now().getTime() + retryMs);
      // A conflict: another replica was first. Its event comes back through the log and the task is decided again.
      if (isConcurrencyError(error)) return;
      logger.warn({ task: name, error: String(error) }, 'cannot say what is due; trying again');
    }
  }

  private again(task: TaskNode, at: number): void {
    if (this.stopped) return;
    let alarm = this.alarms.get(at);
    if (!alarm) {
      const { clock } = this.with_;
      const tasks = new Set<TaskNode>();
      const ring = (): void => {
        this.alarms.delete(at);
        this.decide(tasks);
      };
      alarm = { tasks, cancel: clock.setTimeout(ring, Math.max(at - clock.now().getTime(), 1)) };
      this.alarms.set(at, alarm);
    }
    alarm.tasks.add(task);
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
