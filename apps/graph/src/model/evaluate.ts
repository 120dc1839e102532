import type { Cause, Pin } from '#libs/contracts';
import { detectCauses } from '../reasons/index.js';
import type { Images, TaskNode } from './nodes.js';
import { currentKey, currentPins, inLoop } from './staleness.js';

/** What is to be done about a task at a moment. */
export type Evaluation =
  /** Not stale. */
  | { readonly kind: 'settled' }
  /** A run of it has started, or one by hand is queued: it is looked at again when that ends. */
  | { readonly kind: 'running' }
  | { readonly kind: 'blocked'; readonly reason: BlockReason; readonly by: string[]; readonly again: number | null }
  | {
      readonly kind: 'due';
      readonly key: string;
      readonly causes: Cause[];
      readonly pins: Pin[];
      readonly sourceRevision: string | null;
    };

export type BlockReason =
  'UpstreamPending' | 'Disabled' | 'TriggerDisabled' | 'CircuitOpen' | 'Declined' | 'Settling' | 'Running';

export interface Patience {
  /** Longest that a task waits for its upstream tasks, in milliseconds. */
  readonly patienceMs: number;
  /** A task with several outside roots waits until none was adopted for this long … */
  readonly settleMs: number;
  /** … but never longer than this. */
  readonly settleLimitMs: number;
}

/** Design §1 and §6: patience 2 h; settled when no root moved for 2 s, at most 10 s after the first. */
export const defaultPatience: Patience = { patienceMs: 7_200_000, settleMs: 2_000, settleLimitMs: 10_000 };

/** Whether images that move from outside are asked when they did, too. */
export type TimedImages = Images & {
  /** No image that nobody pushes was adopted anew after this, in milliseconds since the epoch. */
  readonly rootMovedAt: number;
};

/** When the adoptions that reach the task have settled; 0 when they have, or it has one outside root and nothing to join. */
const settledAt = (task: TaskNode, images: TimedImages, now: number, patience: Patience): number => {
  // Nothing moved lately, anywhere: so nothing above the task did.
  if (images.rootMovedAt + patience.settleMs <= now) return 0;
  const roots = task.rootsAbove();
  if (roots.length < 2) return 0;
  const newest = Math.max(...roots.map(({ adoptedAt }) => adoptedAt));
  return Math.min(newest + patience.settleMs, (task.unsettledSince ?? newest) + patience.settleLimitMs);
};

const blocked = (reason: BlockReason, by: string[], again: number | null = null): Evaluation => ({
  kind: 'blocked',
  reason,
  by,
  again,
});

/** Decides purely what is to be done about a task. `now` in milliseconds; `again` says when time alone changes it. */
export const evaluate = (
  task: TaskNode,
  images: TimedImages,
  now: number,
  patience: Patience = defaultPatience,
): Evaluation => {
  if (!task.isDefined || !task.stale) return { kind: 'settled' };
  // While a run by hand is queued nothing new is offered; an offer that stands is still kept true.
  const offered = task.offer !== null && !task.offer.over;
  for (const run of task.runs.values()) {
    // One by hand was quicker than the one that answers the offer. It may well build the same: that shows when it ends.
    if (run.started && offered && run.offer !== task.offer?.position) return blocked('Running', [run.run]);
    if (run.started || (run.offer === null && !offered)) return { kind: 'running' };
  }
  if (!task.isEnabled) return blocked('Disabled', []);
  if (!task.isTriggered) return blocked('TriggerDisabled', []);
  if (!task.automatic) {
    return task.circuit ? blocked('CircuitOpen', []) : blocked('Declined', []);
  }
  if (task.pendingUp > 0) {
    const until = (task.unsettledSince ?? now) + patience.patienceMs;
    if (now < until) {
      const by = [...task.up].filter((above) => above.pending && !inLoop(above, task)).map((above) => above.name);
      return blocked('UpstreamPending', by, until);
    }
  }
  const settled = settledAt(task, images, now, patience);
  if (now < settled) return blocked('Settling', [], settled);
  return {
    kind: 'due',
    key: currentKey(task, images),
    causes: detectCauses(task, images),
    pins: currentPins(task, images),
    sourceRevision: task.isChanged ? null : (task.standing?.sourceRevision ?? null),
  };
};
