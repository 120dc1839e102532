import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findLoops, reaches, wayBack, type Digraph } from './loops.js';

/** A graph with these edges, upstream first: how many nodes were looked at, and what each node is called. */
class Sketch implements Digraph {
  readonly names: string[] = [];
  looked = 0;
  private readonly lists: Record<'above' | 'below', Set<number>[]> = { above: [], below: [] };

  constructor(...edges: string[]) {
    for (const edge of edges) {
      const [from, to] = edge.split('→').map((name) => this.id(name.trim())) as [number, number];
      if (from === to) continue;
      this.lists.below[from]!.add(to);
      this.lists.above[to]!.add(from);
    }
  }

  get size(): number {
    return this.names.length;
  }
  id(name: string): number {
    if (!this.names.includes(name)) {
      this.names.push(name);
      this.lists.above.push(new Set());
      this.lists.below.push(new Set());
    }
    return this.names.indexOf(name);
  }
  below(task: number): number[] {
    this.looked += 1;
    return [...this.lists.below[task]!];
  }
  above(task: number): number[] {
    this.looked += 1;
    return [...this.lists.above[task]!];
  }
}

describe('the path of a loop', () => {
  it.each<[string, string[], string, string[]]>([
    ['two tasks', ['a→b', 'b→a'], 'a', ['a', 'b', 'a']],
    ['seen from the other', ['a→b', 'b→a'], 'b', ['b', 'a', 'b']],
    ['the shortest of two', ['a→b', 'b→c', 'c→a', 'b→a'], 'a', ['a', 'b', 'a']],
    ['with tasks beside it', ['x→a', 'a→b', 'b→c', 'c→a', 'c→y'], 'b', ['b', 'c', 'a', 'b']],
    ['none', ['a→b', 'b→c'], 'b', []],
    ['none below a loop', ['a→b', 'b→a', 'b→c'], 'c', []],
  ])('%s', (_title, edges, from, path) => {
    const sketch = new Sketch(...edges);
    expect(wayBack(sketch, sketch.id(from)).map((id) => sketch.names[id])).toEqual(path);
  });
});

describe('loops', () => {
  it('of two places have two numbers', () => {
    const loops = findLoops(new Sketch('a→b', 'b→a', 'b→c', 'c→d', 'd→c'));
    expect([0, 1, 2, 3].map((id) => loops.get(id))).toEqual([2, 2, 1, 1]);
  });
  it('are found in a chain that is longer than the call stack is deep', () => {
    const size = 20_000;
    const chain = { size, below: (at: number) => [(at + 1) % size], above: (at: number) => [(at + size - 1) % size] };
    expect(findLoops(chain)).toEqual(new Map(Array.from({ length: size }, (_, at) => [at, 1])));
  });
  it('are exactly the tasks that reach each other', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const name = fc.constantFrom(...names);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { maxLength: 14 }), (edges) => {
        const sketch = new Sketch(...names.map((one) => `${one}→${one}`), ...edges.map(([a, b]) => `${a}→${b}`));
        const loops = findLoops(sketch);
        const below = (from: number, to: number) =>
          sketch.below(from).some((one) => reaches(sketch, one, new Set([to])));
        for (let one = 0; one < sketch.size; one += 1) {
          for (let other = 0; other < sketch.size; other += 1) {
            if (one === other) continue;
            const same = loops.has(one) && loops.get(one) === loops.get(other);
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
        const sketch = new Sketch(...all, ...arrows.map(([a, b]) => `${a}→${b}`));
        expect(reaches(sketch, from, new Set(targets))).toBe(targets.some((at) => reached[from]![at]));
      }),
      { numRuns: 300 },
    );
  });

  it('costs no more than the smaller side, however many stand below', () => {
    const sketch = new Sketch('top→x', 'above→other', ...Array.from({ length: 2000 }, (_, at) => `x→t${at}`));
    expect(reaches(sketch, sketch.id('top'), new Set([sketch.id('other')]))).toBe(false);
    expect(sketch.looked).toBeLessThan(7);
  });
});
