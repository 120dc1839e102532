import { setImmediate as turn } from 'node:timers/promises';
import { isConcurrencyError } from '#libs/event-log';
import { evaluate, type Evaluation, type Patience } from '../model/evaluate.js';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { rebuildDecider } from './rebuild.decider.js';
import type { OfferDependencies } from './rebuild-manager.js';

export interface ReconcilerDependencies extends OfferDependencies {
  /** Told of each offer that was made again. */
  readonly onRecreated?: () => void;
}

/** Between two passes, in milliseconds. */
export const everyMs = 600_000;
/** How long a pass takes at once, in milliseconds: questions and the log are answered in between. */
const sliceMs = 10;

type Due = Extract<Evaluation, { kind: 'due' }>;

/** What a task is due for, where nobody has offered it. */
const unoffered = (task: TaskNode, model: GraphModel, now: number, patience: Patience): Due | undefined => {
  if (!task.stale || !task.automatic || (task.offer !== null && !task.offer.over)) return undefined;
  const evaluation = evaluate(task, model.images, now, patience);
  return evaluation.kind === 'due' ? evaluation : undefined;
};

/** Finds tasks that were due at the last pass, are due for the same at this one, and were never offered. */
export class Overlooked {
  /** Tasks that nobody had offered at the last pass, with the key that they were due for. */
  private suspects: ReadonlyMap<string, string> = new Map();

  /** Looks at one task after the other, and says of each whether it was overlooked. `now` in milliseconds. */
  *pass(model: GraphModel, now: () => number, patience: Patience): Generator<{ task: TaskNode; due: Due } | undefined> {
    const suspects = new Map<string, string>();
    for (const task of model.tasks.values()) {
      const due = unoffered(task, model, now(), patience);
      if (due && this.suspects.get(task.name) === due.key) yield { task, due };
      else {
        if (due) suspects.set(task.name, due.key);
        yield undefined;
      }
    }
    this.suspects = suspects;
  }
}

/**
 * Compares, now and then, what every task stands on with what is adopted, whether or not anything told of a change. A task
 * that was due at the last pass, is due for the same at this one, and was never offered was overlooked: it is offered
 * now, and the offer says so. Nothing of that should ever happen; that it does not have to be trusted is the point.
 */
export class Reconciler {
  private readonly found = new Overlooked();
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
    const { model, clock, patience } = this.with_;
    let recreated = 0;
    let began = performance.now();
    for (const overlooked of this.found.pass(model, () => clock.now().getTime(), patience)) {
      if (this.stopped) break;
      if (overlooked) recreated += Number(await this.offer(overlooked.task, overlooked.due));
      if (performance.now() - began <= sliceMs) continue;
      await turn();
      began = performance.now();
    }
    return recreated;
  }

  private async offer(task: TaskNode, evaluation: Evaluation): Promise<boolean> {
    const { rebuilds, commands, logger, position, onRecreated } = this.with_;
    const { name, waves } = task;
    const basis = position();
    const command = { task: name, evaluation, offerOver: true, basis, waves, recreated: true };
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
