import { setImmediate as turn } from 'node:timers/promises';
import { isConcurrencyError, type AggregateStore, type Clock, type Commands, type Logger } from '#libs/event-log';
import { evaluate, type Evaluation, type Patience } from '../model/evaluate.js';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { rebuildDecider, type RebuildState } from './rebuild.decider.js';

export interface ReconcilerDependencies {
  readonly model: GraphModel;
  readonly rebuilds: AggregateStore<RebuildState>;
  readonly commands: Commands;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly patience: Patience;
  /** Position that the model stands at. */
  readonly position: () => number;
  /** Told of each offer that was made again. */
  readonly onRecreated?: () => void;
}

/** Between two passes, in milliseconds. */
const everyMs = 600_000;
/** How long a pass takes at once, in milliseconds: questions and the log are answered in between. */
const sliceMs = 10;

/**
 * Compares, now and then, what every task stands on with what is adopted, whether or not anything told of a change. A task
 * that was due at the last pass, is due for the same at this one, and was never offered was overlooked: it is offered
 * now, and the offer says so. Nothing of that should ever happen; that it does not have to be trusted is the point.
 */
export class Reconciler {
  /** Tasks that nobody had offered at the last pass, with the key that they were due for. */
  private suspects: ReadonlyMap<string, string> = new Map();
  private cancel: () => void = () => undefined;
  private stopped = false;

  constructor(private readonly with_: ReconcilerDependencies) {}

  start(): void {
    if (this.stopped) return;
    this.cancel = this.with_.clock.setTimeout(() => void this.pass().finally(() => this.start()), everyMs);
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** One pass over all tasks; answers how many had been overlooked. */
  async pass(): Promise<number> {
    const suspects = new Map<string, string>();
    let recreated = 0;
    let began = performance.now();
    for (const task of this.with_.model.tasks.values()) {
      if (this.stopped) break;
      if (performance.now() - began > sliceMs) {
        await turn();
        began = performance.now();
      }
      const due = this.overlooked(task);
      if (!due) continue;
      if (this.suspects.get(task.name) === due.key) recreated += Number(await this.offer(task, due));
      else suspects.set(task.name, due.key);
    }
    this.suspects = suspects;
    return recreated;
  }

  /** What a task is due for, where nobody has offered it. */
  private overlooked(task: TaskNode): Extract<Evaluation, { kind: 'due' }> | undefined {
    const { model, clock, patience } = this.with_;
    if (!task.stale || !task.automatic || (task.offer !== null && !task.offer.over)) return undefined;
    const evaluation = evaluate(task, model.images, clock.now().getTime(), patience);
    return evaluation.kind === 'due' ? evaluation : undefined;
  }

  private async offer(task: TaskNode, evaluation: Evaluation): Promise<boolean> {
    const { rebuilds, commands, logger, position, onRecreated } = this.with_;
    const { name, waves } = task;
    const basis = position();
    const command = { task: name, evaluation, offerOver: true, basis, waves: [...waves], recreated: true };
    try {
      await commands.execute(rebuilds, rebuildDecider, name, command, { onConflict: 'give-up' });
    } catch (error) {
      // Somebody has just offered it after all.
      if (!isConcurrencyError(error))
        logger.warn({ task: name, error: String(error) }, 'cannot offer it; at the next pass');
      return false;
    }
    logger.warn({ task: name }, 'was stale and due, and nothing had told of it: it is offered now');
    onRecreated?.();
    return true;
  }
}
