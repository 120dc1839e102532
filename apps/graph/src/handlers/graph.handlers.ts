import { Injectable } from '@nestjs/common';
import { PlinthError, taskStateSchema, type Input, type Output, type TaskState } from '#libs/contracts';
import { stableOutputs } from '#libs/domain';
import { canonicalField, cursorOf, numberCursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { dependantsOf, inputsOf } from '../answers/edges.js';
import { reasonsOf, sentenceOf, stateOf, taskStateView } from '../answers/state.js';
import { whyBuilt, whyMoved } from '../answers/why.js';
import { GraphService } from '../graph.service.js';
import type { TaskNode } from '../model/nodes.js';
import type { RunFacts } from '../projection/run-book.js';
import { detectCauses } from '../reasons/index.js';

const page = <T>(items: readonly T[], input: { pageSize?: number | undefined; pageToken?: string | undefined }) => {
  const size = pageSizeOf(input.pageSize);
  const from = numberCursorOf(input.pageToken) ?? 0;
  const items_ = items.slice(from, from + size);
  return { items: items_, nextPageToken: from + size < items.length ? tokenOf(from + size) : '' };
};

/** States in which a task waits for a rebuild. */
const notCurrent: ReadonlySet<TaskState> = new Set(['Stale', 'Blocked']);

@Injectable()
export class GraphHandlers {
  constructor(private readonly graph: GraphService) {}

  async listDependants(input: Input<'listDependants'>): Promise<Output<'listDependants'>> {
    const from = this.referencesOf(input);
    const all = dependantsOf((reference) => this.graph.usersOf(reference), from, input.transitive ?? false);
    const { items, nextPageToken } = page(all, input);
    return {
      dependants: items,
      total: all.length,
      depth: all.reduce((most, { depth }) => Math.max(most, depth), 0),
      nextPageToken,
    };
  }

  async listInputs(input: Input<'listInputs'>): Promise<Output<'listInputs'>> {
    const { model } = this.graph.projection;
    const tasks = input.task
      ? [this.task(input.task)]
      : this.referencesOf(input).flatMap((reference) => [...(model.images.get(reference)?.producers ?? [])]);
    const all = inputsOf(model, tasks, input.transitive ?? false);
    const { items, nextPageToken } = page(all, input);
    return { inputs: items, total: all.length, nextPageToken };
  }

  async listStates(input: Input<'listStates'>): Promise<Output<'listStates'>> {
    const { model } = this.graph.projection;
    const counts = Object.fromEntries(taskStateSchema.options.map((state) => [state, 0])) as Record<TaskState, number>;
    const size = pageSizeOf(input.pageSize);
    const after = cursorOf(input.pageToken) ?? '';
    const wanted: TaskNode[] = [];
    for (const task of model.tasksByName()) {
      if (!task.definition || (input.team && task.definition.team !== input.team)) continue;
      const state = stateOf(task);
      counts[state] += 1;
      if (input.state && input.state !== state) continue;
      if (input.current !== undefined && input.current === notCurrent.has(state)) continue;
      // One more than the page holds: whether there is another one.
      if (wanted.length > size || task.name <= after) continue;
      if (!input.task || input.task === task.name) wanted.push(task);
    }
    const items = wanted.slice(0, size);
    const nextPageToken = wanted.length > size ? tokenOf(items.at(-1)!.name) : '';
    return { states: items.map((task) => this.view(task)), counts, nextPageToken };
  }

  async explain(input: Input<'explain'>): Promise<Output<'explain'>> {
    const { model, runs } = this.graph.projection;
    const position = this.graph.log.projector.position;
    if (input.run) {
      const run = runs.find(input.run);
      if (!run) throw new PlinthError('NOT_FOUND', `There is no run ${input.run}.`);
      return this.explainRun(input.run, run, null);
    }
    if (input.task) {
      const task = this.task(input.task);
      const reasons = this.reasons(task);
      const last = runs.lastSuccessOf(task.name);
      const built = last ? whyBuilt(last, (id) => runs.find(id)) : [];
      return {
        subject: task.name,
        state: stateOf(task),
        sentences: [...reasons, ...built],
        causes: detectCauses(task, model.images),
        run: last?.run ?? null,
        position,
      };
    }
    if (!input.reference) {
      throw new PlinthError('INVALID_ARGUMENT', 'Say what to explain: a task, an image or a run.', [
        { field: 'reference', message: 'expected one of task, reference, run' },
      ]);
    }
    const reference = canonicalField(input.reference);
    const adoption = model.images.get(reference)?.adoptions[0];
    const producer = [...(model.images.get(reference)?.producers ?? [])][0];
    const run = adoption
      ? runs.pusherOf(reference, adoption.snapshot.digest)
      : producer && runs.lastSuccessOf(producer.name);
    if (run) return this.explainRun(reference, run, producer ? stateOf(producer) : null);
    if (!adoption) {
      throw new PlinthError('NOT_FOUND', `Nothing is known of ${reference}: no task uses it or pushes it.`);
    }
    const at = new Date(adoption.at).toISOString();
    const moved = whyMoved(reference, adoption.snapshot.digest, at, 'no task of ours pushed it');
    return { subject: reference, state: null, sentences: [moved], causes: [], run: null, position };
  }

  private explainRun(subject: string, run: RunFacts, state: TaskState | null): Output<'explain'> {
    const { runs } = this.graph.projection;
    const sentences = whyBuilt(run, (id) => runs.find(id));
    const position = this.graph.log.projector.position;
    return { subject, state, sentences, causes: [...run.causes], run: run.run, position };
  }

  private reasons(task: TaskNode) {
    const { model } = this.graph.projection;
    const reasons = reasonsOf(task, model.images, this.graph.runtime.clock.now().getTime(), this.graph.patience);
    return reasons.length > 0
      ? reasons
      : [
          {
            ...sentenceOf(
              { type: 'Manual', by: '', at: new Date(0).toISOString() },
              `${task.name} is fresh: it stands on what is adopted.`,
            ),
            code: 'FRESH',
            at: null,
          },
        ];
  }

  private view(task: TaskNode) {
    const { runtime, patience, projection } = this.graph;
    return taskStateView(task, projection.model.images, runtime.clock.now().getTime(), patience);
  }

  private task(name: string): TaskNode {
    const task = this.graph.projection.model.tasks.get(name);
    if (!task?.definition)
      throw new PlinthError('NOT_FOUND', `There is no task ${name}. GET /v1/tasks lists those that there are.`);
    return task;
  }

  /** The images that a question is about. */
  private referencesOf({ reference, task }: { reference?: string | undefined; task?: string | undefined }): string[] {
    if (task !== undefined) {
      const { definition } = this.task(task);
      return definition ? stableOutputs(definition) : [];
    }
    if (reference !== undefined) return [canonicalField(reference)];
    throw new PlinthError('INVALID_ARGUMENT', 'Say of what: a reference or a task.', [
      { field: 'reference', message: 'expected one of reference, task' },
    ]);
  }
}
