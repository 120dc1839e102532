import type { Output } from '#libs/contracts';
import { isPinnedReference, newestInputs, tracks } from '#libs/domain';
import { outputsOf, type GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { usable } from '../model/staleness.js';
import { stateOf } from './state.js';

type Dependant = Output<'listDependants'>['dependants'][number];
type InputEdge = Output<'listInputs'>['inputs'][number];

interface Edge {
  readonly reference: string;
  readonly role: string;
  readonly via: string;
  readonly pinned: boolean;
  readonly platforms: readonly string[];
}

/** The inputs of a task with how they are used, from the newest of scan and standing run. */
const edgesOf = (task: TaskNode): readonly Edge[] => {
  switch (newestInputs(task)) {
    case 'standing':
      return (task.standing?.inputs ?? []).map(({ reference, role, via, platforms }) => ({
        reference,
        role,
        via,
        pinned: isPinnedReference(reference),
        platforms: Object.keys(platforms),
      }));
    case 'scan':
      return task.scan?.inputs ?? [];
    case null:
      return [];
  }
};

/** A task that stands on what was asked for, and how it was come by. */
export interface FoundDependant {
  readonly task: TaskNode;
  readonly reference: string;
  /** 1 for a direct one; that of the shortest way to it. */
  readonly depth: number;
  /** Task of the level above that pushes the reference. */
  readonly upstream: TaskNode | null;
}

/**
 * Breadth first; a level after the other, each by name. It may be a third of all tasks: what is shown of each is made
 * when it is shown, by {@link dependantView}.
 */
export const dependantsOf = (model: GraphModel, from: readonly string[], transitive: boolean): FoundDependant[] => {
  const found: FoundDependant[] = [];
  const seen = new Set<TaskNode>();
  // Gives every task its rank, and costs nothing while there are no new ones.
  model.tasksByName();
  let level: FoundDependant[] = [];
  const add = (users: Iterable<TaskNode>, reference: string, depth: number, upstream: TaskNode | null): void => {
    for (const task of users) {
      if (seen.has(task) || !task.definition) continue;
      seen.add(task);
      level.push({ task, reference, depth, upstream });
    }
  };
  /** Tasks that use an image in any role, tracked or not. */
  const visit = (reference: string, depth: number, upstream: TaskNode | null): void => {
    const image = model.images.get(reference);
    if (!image) return;
    add(image.consumers, reference, depth, upstream);
    if (image.others) add(image.others, reference, depth, upstream);
  };
  for (const reference of from) visit(reference, 1, null);
  for (let depth = 2; level.length > 0; depth += 1) {
    const above = level.sort((a, b) => a.task.rank - b.task.rank);
    for (const one of above) found.push(one);
    level = [];
    if (!transitive) break;
    for (const { task } of above) for (const output of outputsOf(task)) visit(output, depth, task);
  }
  return found;
};

export const dependantView = ({ task, reference, depth, upstream }: FoundDependant): Dependant => {
  const edges = edgesOf(task).filter((edge) => edge.reference === reference);
  return {
    task: task.name,
    reference,
    roles: [...new Set(edges.map(({ role }) => role))] as Dependant['roles'],
    platforms: [...new Set(edges.flatMap(({ platforms }) => platforms))],
    depth,
    upstream: upstream?.name ?? null,
    tracked: task.tracked.has(reference),
    state: stateOf(task),
  };
};

const inputEdges = (model: GraphModel, task: TaskNode, depth: number): InputEdge[] =>
  edgesOf(task).map(({ reference, role, via, pinned, platforms }) => {
    const image = model.images.get(reference);
    const used = task.standing?.inputs.find((input) => input.reference === reference);
    return {
      task: task.name,
      reference,
      role: role as InputEdge['role'],
      via: via as InputEdge['via'],
      platforms: [...platforms],
      depth,
      tracked:
        task.definition !== null && tracks(task.definition, { reference, role: role as InputEdge['role'], pinned }),
      pinned,
      adopted: (image && usable(image, platforms)?.snapshot.digest) ?? null,
      used: used?.digest ?? null,
      upstream: [...(image?.producers ?? [])].map(({ name }) => name),
    };
  });

export const inputsOf = (model: GraphModel, from: readonly TaskNode[], transitive: boolean): InputEdge[] => {
  const found: InputEdge[] = [];
  const seen = new Set(from);
  let tasks = [...from];
  for (let depth = 1; tasks.length > 0 && (transitive || depth === 1); depth += 1) {
    const next: TaskNode[] = [];
    for (const task of tasks) {
      const edges = inputEdges(model, task, depth);
      found.push(...edges);
      for (const name of edges.flatMap(({ upstream }) => upstream)) {
        const above = model.task(name);
        if (seen.has(above)) continue;
        seen.add(above);
        next.push(above);
      }
    }
    tasks = next;
  }
  return found;
};
