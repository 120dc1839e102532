import { Injectable } from '@nestjs/common';
import { PlinthError, taskStateSchema, type Input, type Output, type TaskState } from '#libs/contracts';
import { canonicalField, cursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { dependantsOf, dependantView, inputsOf } from '../answers/edges.js';
import { explainImage, explainRun, explainTask } from '../answers/explain.js';
import { stateOf, taskStateView } from '../answers/state.js';
import { GraphService } from '../graph.service.js';
import type { TaskNode } from '../model/nodes.js';
import { page, referencesOf, taskOf } from './questions.js';

/** States in which a task waits for a rebuild. */
const notCurrent: ReadonlySet<TaskState> = new Set(['Stale', 'Blocked']);

@Injectable()
export class GraphHandlers {
  constructor(private readonly graph: GraphService) {}

  listDependants(input: Input<'listDependants'>): Promise<Output<'listDependants'>> {
    return this.graph.ask(input.asOf, (view) => {
      const from = referencesOf(view, input);
      const all = dependantsOf(view.projection.model, from, input.transitive ?? false);
      const { items, nextPageToken } = page(all, input);
      return { dependants: items.map(dependantView), total: all.length, depth: all.depth, nextPageToken };
    });
  }

  listInputs(input: Input<'listInputs'>): Promise<Output<'listInputs'>> {
    return this.graph.ask(input.asOf, (view) => {
      const { model } = view.projection;
      const tasks = input.task
        ? [taskOf(view, input.task)]
        : referencesOf(view, input).flatMap((reference) => [...(model.images.get(reference)?.producers ?? [])]);
      const all = inputsOf(model, tasks, input.transitive ?? false);
      const { items, nextPageToken } = page(all, input);
      return { inputs: items, total: all.length, nextPageToken };
    });
  }

  listStates(input: Input<'listStates'>): Promise<Output<'listStates'>> {
    return this.graph.ask(input.asOf, ({ projection: { model }, now, patience }) => {
      const counts = Object.fromEntries(taskStateSchema.options.map((state) => [state, 0])) as Record<
        TaskState,
        number
      >;
      const size = pageSizeOf(input.pageSize);
      const after = cursorOf(input.pageToken) ?? '';
      const wanted: TaskNode[] = [];
      for (const task of model.tasksByName()) {
        if (!task.isDefined || (input.team && task.team !== input.team)) continue;
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
      return { states: items.map((task) => taskStateView(model, task, now, patience)), counts, nextPageToken };
    });
  }

  explain(input: Input<'explain'>): Promise<Output<'explain'>> {
    return this.graph.ask(input.asOf, (view) => {
      if (input.run) return explainRun(view, input.run);
      if (input.task) return explainTask(view, taskOf(view, input.task));
      if (input.reference) return explainImage(view, canonicalField(input.reference));
      throw new PlinthError('INVALID_ARGUMENT', 'Say what to explain: a task, an image or a run.', [
        { field: 'reference', message: 'expected one of task, reference, run' },
      ]);
    });
  }
}
