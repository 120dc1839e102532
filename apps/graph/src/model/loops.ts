/** A graph of tasks, by their ids. */
export interface Digraph {
  /** Ids are below this. */
  readonly size: number;
  /** What stands on it, itself left out. */
  below(task: number): readonly number[];
  /** What it stands on, itself left out. */
  above(task: number): readonly number[];
}

/**
 * Strongly connected components of more than one task (Tarjan 1972, with an explicit stack: a chain may be longer
 * than the call stack is deep). Answers the component number of each task that is in one, from 1.
 */
export const findLoops = (graph: Digraph): Map<number, number> => {
  /** When a task was met, from 1. */
  const index = new Uint32Array(graph.size);
  const low = new Uint32Array(graph.size);
  const onStack = new Uint8Array(graph.size);
  const stack: number[] = [];
  const found = new Map<number, number>();
  let next = 1;
  let component = 0;
  const enter = (task: number) => {
    index[task] = next;
    low[task] = next++;
    stack.push(task);
    onStack[task] = 1;
    return { task, below: graph.below(task), at: 0 };
  };
  for (let root = 0; root < graph.size; root += 1) {
    if (index[root] !== 0) continue;
    const path = [enter(root)];
    while (path.length > 0) {
      const frame = path[path.length - 1]!;
      const { task } = frame;
      if (frame.at < frame.below.length) {
        const child = frame.below[frame.at++]!;
        if (index[child] === 0) path.push(enter(child));
        else if (onStack[child] === 1) low[task] = Math.min(low[task]!, index[child]!);
        continue;
      }
      path.pop();
      const parent = path.at(-1)?.task;
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[task]!);
      if (low[task] !== index[task]) continue;
      const members = stack.splice(stack.lastIndexOf(task));
      for (const member of members) onStack[member] = 0;
      if (members.length < 2) continue;
      component += 1;
      for (const member of members) found.set(member, component);
    }
  }
  return found;
};

/**
 * Whether one of `targets` can be reached downwards from `from`. Searched from both ends in turn, a task at a time: what
 * stands on a task may be a third of all, and what it stands on is few, or the other way round; the search ends with the
 * smaller of the two.
 */
export const reaches = (graph: Digraph, from: number, targets: ReadonlySet<number>): boolean => {
  const below = new Set([from]);
  const above = new Set(targets);
  // Sets are walked in the order of adding, and what is added on the way is walked, too.
  const downwards = below.values();
  const upwards = above.values();
  if (above.has(from)) return true;
  for (;;) {
    const lower = downwards.next();
    if (lower.done) return false;
    for (const next of graph.below(lower.value)) {
      if (above.has(next)) return true;
      below.add(next);
    }
    const upper = upwards.next();
    if (upper.done) return false;
    for (const next of graph.above(upper.value)) {
      if (below.has(next)) return true;
      above.add(next);
    }
  }
};

/** A shortest way from a task back to itself: `[a, b, a]`. Empty when there is none. */
export const wayBack = (graph: Digraph, task: number): number[] => {
  const from = new Map<number, number>();
  const queue = [task];
  for (const here of queue) {
    for (const below of graph.below(here)) {
      if (below === task) {
        const path = [task];
        for (let step: number | undefined = here; step !== undefined && step !== task; step = from.get(step)) {
          path.push(step);
        }
        return [...path, task].reverse();
      }
      if (from.has(below)) continue;
      from.set(below, here);
      queue.push(below);
    }
  }
  return [];
};
