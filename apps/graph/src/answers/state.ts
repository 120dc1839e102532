import type { Sentence, TaskState, TaskStateView } from '#libs/contracts';
import { evaluate, type BlockReason, type Patience, type TimedImages } from '../model/evaluate.js';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { inLoop } from '../model/staleness.js';
import { detectCauses, explainCause, reasonOf } from '../reasons/index.js';
import type { Cause } from '#libs/contracts';

/** Reasons for which something must happen before a stale task is rebuilt. */
const waitsForAPerson = new Set<BlockReason>(['Disabled', 'TriggerDisabled', 'CircuitOpen', 'Declined']);

/** The state that people see. Only Fresh counts as current. */
export const stateOf = (task: TaskNode): TaskState => {
  if (!task.isBuilt) return task.isUnreadable ? 'Unknown' : 'Unbuilt';
  if (task.stale) return !task.unplaced && (task.automatic || task.runs.size > 0) ? 'Stale' : 'Blocked';
  return task.unsettledUp > 0 || task.pending ? 'Behind' : 'Fresh';
};

const sentence = (code: string, text: string, more: Partial<Sentence> = {}): Sentence => ({
  code,
  text,
  reference: null,
  from: null,
  to: null,
  at: null,
  ...more,
});

const andMore = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;

/** The sentence of a cause, with what it names. */
export const sentenceOf = (cause: Cause, text = `${explainCause(cause)}.`): Sentence =>
  cause.type === 'BaseImageMoved'
    ? sentence(reasonOf(cause).code, text, {
        reference: cause.reference,
        from: cause.from,
        to: cause.to,
        at: cause.adoptedAt,
      })
    : sentence(reasonOf(cause).code, text, { at: cause.type === 'Manual' ? cause.at : null });

/** Why a stale task is not rebuilt yet. */
const holding = (task: TaskNode, images: TimedImages, now: number, patience: Patience): Sentence[] => {
  const running = [...task.runs.values()].find(({ started }) => started);
  if (running) return [sentence('RUNNING', `Run ${running.run} is building it now.`)];
  const queued = [...task.runs.keys()][0];
  if (task.unplaced) {
    const { pool } = task;
    const text = `Run ${queued} is queued, and no builder serves the pool "${pool}": start one with PLINTH_POOL=${pool}. Until then it holds nobody.`;
    return [sentence('BLOCKED_NO_BUILDER', text)];
  }
  if (queued !== undefined) return [sentence('QUEUED', `Run ${queued} is queued for it.`)];
  const evaluation = evaluate(task, images, now, patience);
  if (evaluation.kind !== 'blocked') return [sentence('DUE', 'It is due and will be queued at once.')];
  const { reason, by } = evaluation;
  const texts: Record<BlockReason, string> = {
    UpstreamPending: `It waits for ${andMore(by)}, which will still change.`,
    Running: `It waits for run ${andMore(by)} to end.`,
    Settling: 'It waits a moment for other changes that arrive together.',
    Disabled: 'The task is disabled: enable it, or run it by hand.',
    TriggerDisabled: 'Its base image trigger is off: turn it on, or run it by hand.',
    CircuitOpen: `Its build failed too often: ${task.circuit?.reason ?? ''} It is tried again at ${task.circuit?.retryAt ?? ''}, or when you reset it.`,
    Declined: 'Somebody canceled the run for these inputs: run it by hand, or wait for the next change.',
  };
  return [sentence(waitsForAPerson.has(reason) ? `BLOCKED_${snake(reason)}` : snake(reason), texts[reason])];
};

const snake = (name: string) => name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

/** Why the task is in its state: one sentence for each cause, then why it is not rebuilt yet. */
export const reasonsOf = (task: TaskNode, images: TimedImages, now: number, patience: Patience): Sentence[] => {
  switch (stateOf(task)) {
    case 'Unbuilt':
      return [sentence('NEVER_BUILT', `It was never built. Run it once: POST /v1/tasks/${task.name}/runs.`)];
    case 'Unknown':
      return [sentence('INPUTS_UNKNOWN', `Its inputs cannot be named: ${task.scan?.reason ?? 'they are being read.'}`)];
    case 'Fresh':
      return [];
    case 'Behind': {
      if (task.runs.size > 0) return [sentence('RUNNING', `Run ${[...task.runs.keys()][0]} is under way.`)];
      const by = [...task.up].filter((above) => above.unsettled && !inLoop(above, task)).map(({ name }) => name);
      return [
        by.length > 0
          ? sentence(
              'UPSTREAM_BEHIND',
              `It is fresh, but ${andMore(by)}, which it stands on, ${by.length === 1 ? 'is' : 'are'} not.`,
            )
          : sentence('AWAITS_ANSWER', 'Its new image was pushed and is being looked at.'),
      ];
    }
    case 'Stale':
    case 'Blocked':
      return [...detectCauses(task, images).map((cause) => sentenceOf(cause)), ...holding(task, images, now, patience)];
  }
};

export const taskStateView = (model: GraphModel, task: TaskNode, now: number, patience: Patience): TaskStateView => ({
  task: task.name,
  team: task.team,
  state: stateOf(task),
  pending: task.pending,
  reasons: reasonsOf(task, model.images, now, patience),
  loop: model.loopPath(task),
  waves: task.waves,
});
