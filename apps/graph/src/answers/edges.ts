import type { Output } from '#libs/contracts';
import { stableOutputs, tracks } from '#libs/domain';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { usable } from '../model/staleness.js';
import { edgesOf } from '../projection/graph-projection.js';
import { stateOf } from './state.js';

type Dependant = Output<'listDependants'>['dependants'][number];
type InputEdge = Output<'listInputs'>['inputs'][number];

/** Tasks that use an image in any role, tracked or not. */
export type UsersOf = (reference: string) => Iterable<TaskNode>;

const dependant = (task: TaskNode, reference: string, depth: number, upstream: string | null): Dependant => {
  const edges = edgesOf(task).filter((edge) => edge.reference === reference);
  return {
    task: task.name,
    reference,
    roles: [...new Set(edges.map(({ role }) => role))] as Dependant['roles'],
    platforms: [...new Set(edges.flatMap(({ platforms }) => platforms))],
    depth,
    upstream,
    tracked: task.tracked.has(reference),
    state: stateOf(task),
  };
};

interface Step {
  readonly reference: string;
  readonly upstream: string | null;
}

/** Breadth first: the depth of a task is the shortest way to it. */
export const dependantsOf = (usersOf: UsersOf, from: readonly string[], transitive: boolean): Dependant[] => {
  const found: Dependant[] = [];
  const seen = new Set<TaskNode>();
  let references = from.map((reference): Step => ({ reference, upstream: null }));
  for (let depth = 1; references.length > 0 && (transitive || depth === 1); depth += 1) {
    const next: Step[] = [];
    for (const { reference, upstream } of references) {
      for (const task of usersOf(reference)) {
        if (seen.has(task) || !task.definition) continue;
        seen.add(task);
        found.push(dependant(task, reference, depth, upstream));
        if (!transitive) continue;
        for (const output of stableOutputs(task.definition)) next.push({ reference: output, upstream: task.name });
      }
    }
    references = next;
  }
  return found;
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
