import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findLoops, loopPath, reaches } from './loops.js';
import { newTask, type TaskNode } from './nodes.js';

/** Tasks by name with these edges, upstream first; their loops are found. */
const graph = (...edges: string[]): Record<string, TaskNode> => {
  const tasks: Record<string, TaskNode> = {};
  const task = (name: string) => (tasks[name] ??= newTask(name));
  for (const edge of edges) {
    const [from, to] = edge.split('→').map((name) => task(name.trim())) as [TaskNode, TaskNode];
    if (from === to) from.tracksItself = true;
    else {
      from.down.add(to);
      to.up.add(from);
    }
  }
  for (const [one, component] of findLoops(Object.values(tasks))) one.component = component;
  return tasks;
};

describe('the path of a loop', () => {
  it.each<[string, string[], string, string[]]>([
    ['two tasks', ['a→b', 'b→a'], 'a', ['a', 'b', 'a']],
    ['seen from the other', ['a→b', 'b→a'], 'b', ['b', 'a', 'b']],
    ['the shortest of two', ['a→b', 'b→c', 'c→a', 'b→a'], 'a', ['a', 'b', 'a']],
    ['with tasks beside it', ['x→a', 'a→b', 'b→c', 'c→a', 'c→y'], 'b', ['b', 'c', 'a', 'b']],
    ['a task on its own image', ['a→a', 'a→b'], 'a', ['a', 'a']],
    ['none', ['a→b', 'b→c'], 'b', []],
    ['none below a loop', ['a→b', 'b→a', 'b→c'], 'c', []],
  ])('%s', (_title, edges, from, path) => expect(loopPath(graph(...edges)[from]!)).toEqual(path));
});

describe('loops', () => {
  it('of two places have two numbers', () => {
    const { a, b, c, d } = graph('a→b', 'b→a', 'b→c', 'c→d', 'd→c');
    expect([a!.component === b!.component, c!.component === d!.component, a!.component === c!.component]).toEqual([
      true,
      true,
      false,
    ]);
  });
  it('are found in a chain that is longer than the call stack is deep', () => {
    const edges = Array.from({ length: 20_000 }, (_, index) => `t${index}→t${index + 1}`);
    const tasks = graph(...edges, 't20000→t0');
    expect(new Set(Object.values(tasks).map(({ component }) => component))).toEqual(new Set([1]));
  });
  it('are exactly the tasks that reach each other', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const name = fc.constantFrom(...names);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { maxLength: 14 }), (edges) => {
        const tasks = Object.values(
          graph(...names.map((one) => `${one}→${one}`), ...edges.map(([a, b]) => `${a}→${b}`)),
        );
        const below = (from: TaskNode, to: TaskNode) => [...from.down].some((one) => reaches(one, new Set([to])));
        for (const one of tasks) {
          for (const other of tasks) {
            if (one === other) continue;
            const same = one.component !== null && one.component === other.component;
            expect(same).toBe(below(one, other) && below(other, one));
          }
        }
      }),
    );
  });
});

describe('whether one task is below another', () => {
  it('is what following every edge says', () => {
    const count = 7;
    const place = fc.nat(count - 1);
    const edges = fc.array(fc.tuple(place, place), { maxLength: 16 });
    fc.assert(
      fc.property(edges, place, fc.uniqueArray(place, { minLength: 1, maxLength: 3 }), (arrows, from, targets) => {
        const reached = Array.from({ length: count }, (_, a) => Array.from({ length: count }, (_none, b) => a === b));
        for (const [a, b] of arrows) reached[a]![b] = true;
        for (let by = 0; by < count; by += 1) {
          for (const row of reached) if (row[by]) for (let to = 0; to < count; to += 1) row[to] ||= reached[by]![to]!;
        }
        const all = Array.from({ length: count }, (_, at) => `${at}→${at}`);
        const tasks = graph(...all, ...arrows.map(([a, b]) => `${a}→${b}`));
        const wanted = new Set(targets.map((at) => tasks[at]!));
        expect(reaches(tasks[from]!, wanted)).toBe(targets.some((at) => reached[from]![at]));
      }),
      { numRuns: 300 },
    );
  });

  it('costs no more than the smaller side, however many stand below', () => {
    const { top, ...others } = graph('top→x', 'above→other', ...Array.from({ length: 2000 }, (_, at) => `x→t${at}`));
    let looked = 0;
    for (const { down } of Object.values(others)) {
      const values = down.values.bind(down);
      Object.assign(down, { values: () => (looked++, values()), [Symbol.iterator]: () => (looked++, values()) });
    }
    expect(reaches(top!, new Set([others['other']!]))).toBe(false);
    expect(looked).toBeLessThan(5);
  });
});
