import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { treeOf } from './tree.js';

interface Node {
  readonly name: string;
  readonly parent: string | null;
}
const tree = (nodes: readonly Node[]) =>
  treeOf(
    nodes,
    ({ name }) => [name],
    ({ parent }) => parent,
  );

describe('a tree', () => {
  it('stands as lines, in the order in which its items came', () => {
    const nodes = [
      { name: 'a', parent: null },
      { name: 'b', parent: null },
      { name: 'a1', parent: 'a' },
      { name: 'a2', parent: 'a' },
      { name: 'a11', parent: 'a1' },
      { name: 'lost', parent: 'elsewhere' },
    ];
    expect(tree(nodes).map(({ branch, name }) => branch + name)).toEqual([
      '├─ a',
      '│  ├─ a1',
      '│  │  └─ a11',
      '│  └─ a2',
      '├─ b',
      '└─ lost',
    ]);
  });

  it('shows every item once, loops included, each child deeper than its parent where there is no loop', () => {
    const some = fc.integer({ min: 1, max: 20 }).chain((size) =>
      fc.array(fc.option(fc.integer({ min: 0, max: size - 1 })), { minLength: size, maxLength: size }).map((parents) =>
        parents.map((parent, index): Node => ({
          name: String(index),
          parent: parent === null ? null : String(parent),
        })),
      ),
    );
    fc.assert(
      fc.property(some, (nodes) => {
        const drawn = tree(nodes);
        expect(drawn.map(({ name }) => name).sort()).toEqual(nodes.map(({ name }) => name).sort());
        const at = new Map(drawn.map((node, index) => [node.name, { index, depth: node.branch.length }]));
        const rootOf = (node: Node, seen = new Set<string>()): boolean =>
          node.parent === null || (!seen.has(node.name) && rootOf(nodes[Number(node.parent)]!, seen.add(node.name)));
        for (const node of nodes.filter((one) => one.parent !== null && rootOf(one))) {
          expect(at.get(node.name)!.depth).toBe(at.get(node.parent!)!.depth + 3);
          expect(at.get(node.name)!.index).toBeGreaterThan(at.get(node.parent!)!.index);
        }
      }),
    );
  });
});
