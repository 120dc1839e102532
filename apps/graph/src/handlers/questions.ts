import { PlinthError } from '#libs/contracts';
import { canonicalField, numberCursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import type { TaskNode } from '../model/nodes.js';
import type { GraphView } from '../view/graph-view.js';

interface PageInput {
  readonly pageSize?: number | undefined;
  readonly pageToken?: string | undefined;
}

/** One page of a list that is made for each question. */
export const page = <T>(
  items: { readonly length: number; slice(from: number, to: number): T[] },
  input: PageInput,
): { items: T[]; nextPageToken: string } => {
  const size = pageSizeOf(input.pageSize);
  const from = numberCursorOf(input.pageToken) ?? 0;
  return {
    items: items.slice(from, from + size),
    nextPageToken: from + size < items.length ? tokenOf(from + size) : '',
  };
};

/** @throws PlinthError NOT_FOUND */
export const taskOf = ({ projection }: GraphView, name: string): TaskNode => {
  const task = projection.model.tasks.get(name);
  if (task?.isDefined) return task;
  throw new PlinthError('NOT_FOUND', `There is no task ${name}. GET /v1/tasks lists those that there are.`);
};

/**
 * The images that a question is about: the one that it names, or what a task pushes.
 * @throws PlinthError INVALID_ARGUMENT, NOT_FOUND
 */
export const referencesOf = (
  view: GraphView,
  { reference, task }: { readonly reference?: string | undefined; readonly task?: string | undefined },
): string[] => {
  if (task !== undefined) return taskOf(view, task).outputs;
  if (reference !== undefined) return [canonicalField(reference)];
  throw new PlinthError('INVALID_ARGUMENT', 'Say of what: a reference or a task.', [
    { field: 'reference', message: 'expected one of reference, task' },
  ]);
};
