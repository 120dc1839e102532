import type { Output } from '#libs/contracts';
import { isPinnedReference, newestInputs, tracks } from '#libs/domain';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { usable } from '../model/staleness.js';
import { fact } from '../model/tables.js';
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

/** Everything that was found, as numbers: it may be a third of all tasks, and a page of it is shown. */
class Dependants {
  readonly tasks: number[] = [];
  readonly images: number[] = [];
  /** -1 for none. */
  readonly upstreams: number[] = [];
  /** How many there are up to the end of each level. */
  readonly levels: number[] = [];

  constructor(private readonly model: GraphModel) {}

  get length(): number {
    return this.tasks.length;
  }
  get depth(): number {
    return this.levels.length;
  }

  slice(from = 0, to = this.length): FoundDependant[] {
    return this.tasks.slice(from, to).map((task, index): FoundDependant => {
      const upstream = this.upstreams[from + index]!;
      return {
        task: this.model.taskAt(task),
        reference: this.model.imageAt(this.images[from + index]!).reference,
        depth: this.levels.findIndex((end) => from + index < end) + 1,
        upstream: upstream < 0 ? null : this.model.taskAt(upstream),
      };
    });
  }
}

/** Breadth first; a level after the other, each by name. */
export const dependantsOf = (model: GraphModel, from: readonly string[], transitive: boolean): Dependants => {
  const { tables } = model;
  const { imageNames, links, consumers, others, rank, facts } = tables;
  const order = model.ranked();
  const found = new Dependants(model);
  /** Image and upstream task by which a task was come by; an image of 0 is none. */
  const [images, upstreams] = [new Uint32Array(order.length), new Int32Array(order.length)];
  let level: number[] = [];
  /** Tasks that use an image in any role, tracked or not. */
  const visit = (image: number, upstream: number): void => {
    for (const users of [consumers, others]) {
      for (let at = 0; at < users.length(image); at += 1) {
        const task = users.at(image, at);
        if (images[task] !== 0 || (facts.get(task) & fact.defined) === 0) continue;
        images[task] = image + 1;
        upstreams[task] = upstream;
        level.push(rank.get(task));
      }
    }
  };
  for (const reference of from) {
    const image = imageNames.find(reference);
    if (image >= 0) visit(image, -1);
  }
  while (level.length > 0) {
    const ranks = Uint32Array.from(level).sort();
    level = [];
    for (const at of ranks) {
      const task = order[at]!;
      found.tasks.push(task);
      found.images.push(images[task]! - 1);
      found.upstreams.push(upstreams[task]!);
    }
    found.levels.push(found.length);
    if (!transitive) break;
    for (const at of ranks) {
      const task = order[at]!;
      for (let output = 0; output < links.outputs.length(task); output += 1)
        visit(links.outputs.at(task, output), task);
    }
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

const inputEdges = (model: GraphModel, task: TaskNode, depth: number): InputEdge[] => {
  const { definition, standing } = task;
  return edgesOf(task).map(({ reference, role, via, pinned, platforms }) => {
    const image = model.images.get(reference);
    const used = standing?.inputs.find((input) => input.reference === reference);
    return {
      task: task.name,
      reference,
      role: role as InputEdge['role'],
      via: via as InputEdge['via'],
      platforms: [...platforms],
      depth,
      tracked: definition !== null && tracks(definition, { reference, role: role as InputEdge['role'], pinned }),
      pinned,
      adopted: (image && usable(image, platforms)?.snapshot.digest) ?? null,
      used: used?.digest ?? null,
      upstream: [...(image?.producers ?? [])].map(({ name }) => name),
    };
  });
};

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
