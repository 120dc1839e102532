import { PlinthError, type Output, type Sentence, type TaskState } from '#libs/contracts';
import type { TaskNode } from '../model/nodes.js';
import type { RunFacts } from '../projection/run-book.js';
import { detectCauses } from '../reasons/index.js';
import type { GraphView } from '../view/graph-view.js';
import { reasonsOf, sentenceOf, stateOf } from './state.js';
import { whyBuilt, whyMoved } from './why.js';

type Explanation = Output<'explain'>;

/** Why a task is as it is, and why its last build was made. */
export const explainTask = ({ projection, position, now, patience }: GraphView, task: TaskNode): Explanation => {
  const { model, runs } = projection;
  const reasons = reasonsOf(task, model.images, now, patience);
  const last = runs.lastSuccessOf(task.name);
  const built = last ? whyBuilt(last, (id) => runs.find(id)) : [];
  return {
    subject: task.name,
    state: stateOf(task),
    sentences: [...(reasons.length > 0 ? reasons : [freshness(task)]), ...built],
    causes: detectCauses(task, model.images),
    run: last?.run ?? null,
    position,
  };
};

const freshness = ({ name }: TaskNode): Sentence => ({
  ...sentenceOf({ type: 'Manual', by: '', at: '' }, `${name} is fresh: it stands on what is adopted.`),
  code: 'FRESH',
  at: null,
});

/**
 * Why a run was made.
 * @throws PlinthError NOT_FOUND
 */
export const explainRun = (view: GraphView, id: string): Explanation => {
  const run = view.projection.runs.find(id);
  if (!run) throw new PlinthError('NOT_FOUND', `There is no run ${id}.`);
  return runAs(view, id, run, null);
};

/**
 * Why an image has the digest that it has.
 * @throws PlinthError NOT_FOUND
 */
export const explainImage = (view: GraphView, reference: string): Explanation => {
  const { model, runs, pushes } = view.projection;
  const image = model.images.get(reference);
  const adoption = image?.adoptions[0];
  const [producer] = image?.producers ?? [];
  const pusher = adoption && pushes.pusherOf(reference, adoption.snapshot.digest);
  const run = adoption
    ? pusher === undefined
      ? undefined
      : runs.find(pusher)
    : producer && runs.lastSuccessOf(producer.name);
  if (run) return runAs(view, reference, run, producer ? stateOf(producer) : null);
  if (!adoption) throw new PlinthError('NOT_FOUND', `Nothing is known of ${reference}: no task uses it or pushes it.`);
  const at = new Date(adoption.at).toISOString();
  const moved = whyMoved(reference, adoption.snapshot.digest, at, 'no task of ours pushed it');
  return { subject: reference, state: null, sentences: [moved], causes: [], run: null, position: view.position };
};

const runAs = (view: GraphView, subject: string, run: RunFacts, state: TaskState | null): Explanation => ({
  subject,
  state,
  sentences: whyBuilt(run, (id) => view.projection.runs.find(id)),
  causes: [...run.causes],
  run: run.run,
  position: view.position,
});
