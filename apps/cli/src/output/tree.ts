/** An item with the lines that lead to it from the left. */
export type Branch<T> = T & { readonly branch: string };

/**
 * Items in the order of a tree, each below the one that `parentOf` names by its key, and the lines that show it. An item
 * whose parent is not among them begins a tree of its own.
 */
export const treeOf = <T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
  parentOf: (item: T) => string | null,
): Branch<T>[] => {
  const keys = new Set(items.flatMap(keysOf));
  const children = new Map<string | null, T[]>();
  for (const item of items) {
    const parent = parentOf(item);
    const below = parent !== null && keys.has(parent) ? parent : null;
    const siblings = children.get(below);
    if (siblings) siblings.push(item);
    else children.set(below, [item]);
  }
  const found: Branch<T>[] = [];
  const drawn = new Set<T>();
  const draw = (level: readonly T[], indent: string): void => {
    const fresh = level.filter((item) => !drawn.has(item));
    for (const item of fresh) drawn.add(item);
    for (const [index, item] of fresh.entries()) {
      const last = index === fresh.length - 1;
      found.push({ ...item, branch: `${indent}${last ? '└─ ' : '├─ '}` });
      const below = keysOf(item).flatMap((key) => children.get(key) ?? []);
      draw(below, `${indent}${last ? '   ' : '│  '}`);
    }
  };
  draw(children.get(null) ?? [], '');
  // What is left goes round in a loop: it is drawn from where it was met first.
  for (const item of items) draw([item], '');
  return found;
};
