import type { TaskNode } from './nodes.js';

/**
 * Strongly connected components of more than one task (Tarjan 1972, with an explicit stack: a chain may be longer
 * than the call stack is deep). Answers the component number of each task that is in one.
 */
export const findLoops = (tasks: Iterable<TaskNode>): Map<TaskNode, number> => {
  const index = new Map<TaskNode, number>();
  const low = new Map<TaskNode, number>();
  const onStack = new Set<TaskNode>();
  const stack: TaskNode[] = [];
  const found = new Map<TaskNode, number>();
  let next = 0;
  let component = 0;
  const enter = (task: TaskNode) => {
    index.set(task, next);
    low.set(task, next++);
    stack.push(task);
    onStack.add(task);
    return { task, below: task.down.values() };
  };
  for (const root of tasks) {
    if (index.has(root)) continue;
    const path = [enter(root)];
    while (path.length > 0) {
      const frame = path[path.length - 1]!;
      const step = frame.below.next();
      if (!step.done) {
        const child = step.value;
        if (!index.has(child)) path.push(enter(child));
        else if (onStack.has(child)) low.set(frame.task, Math.min(low.get(frame.task)!, index.get(child)!));
        continue;
      }
      path.pop();
      const { task } = frame;
      const parent = path.at(-1)?.task;
      if (parent) low.set(parent, Math.min(low.get(parent)!, low.get(task)!));
      if (low.get(task) !== index.get(task)) continue;
      const members: TaskNode[] = [];
      let member: TaskNode;
      do {
        member = stack.pop()!;
        onStack.delete(member);
        members.push(member);
      } while (member !== task);
      if (members.length > 1) {
        component += 1;
        for (const one of members) found.set(one, component);
      }
    }
  }
  return found;
};

/**
 * Whether one of `targets` can be reached downwards from `from`. Searched from both ends in turn, a task at a time: what
 * stands on a task may be a third of all, and what it stands on is few, or the other way round; the search ends with the
 * smaller of the two.
 */
export const reaches = (from: TaskNode, targets: ReadonlySet<TaskNode>): boolean => {
  const below = new Set([from]);
  const above = new Set(targets);
  // Sets are walked in the order of adding, and what is added on the way is walked, too.
  const downwards = below.values();
  const upwards = above.values();
  if (above.has(from)) return true;
  for (;;) {
    const lower = downwards.next();
    if (lower.done) return false;
    for (const next of lower.value.down) {
      if (above.has(next)) return true;
      below.add(next);
    }
    const upper = upwards.next();
    if (upper.done) return false;
    for (const next of upper.value.up) {
      if (below.has(next)) return true;
      above.add(next);
    }
  }
};

/** A shortest path from the task back to itself, for people: `a → b → a`. Empty when it is in no loop. */
export const loopPath = (task: TaskNode): string[] => {
  if (task.tracksItself) return [task.name, task.name];
  if (task.component === null) return [];
  const from = new Map<TaskNode, TaskNode>();
  const queue = [task];
  for (const here of queue) {
    for (const below of here.down) {
      if (below === task) {
        const path = [task.name];
        for (let step: TaskNode | undefined = here; step && step !== task; step = from.get(step)) path.push(step.name);
        return [...path, task.name].reverse();
      }
      if (below.component !== task.component || from.has(below)) continue;
      from.set(below, here);
      queue.push(below);
    }
  }
  return [];
};
