import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '#libs/testing';
import { Chance } from '../../simulation/chance.js';
import type { BuildEstate, EstateTask } from './estate.js';
import { durationOf, watchful } from './generated.js';

interface Line {
  readonly source: string;
  readonly platform: string;
  readonly tags: readonly string[];
  readonly froms: readonly string[];
  readonly base: string;
}

const file = join(repositoryRoot, 'test/data/official-images/official-images.ndjson');
const named = (tag: string) => (tag.includes('/') ? tag : `docker.io/library/${tag}`);

/**
 * The Docker Official Images as tasks: one for each build definition, for all its platforms, standing on every image
 * that its Dockerfile names. A tag that several definitions push (for Windows and for Linux) is left to the first.
 */
export const officialEstate = async (seed: number): Promise<BuildEstate> => {
  const chance = new Chance(seed);
  const lines = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const definitions = Map.groupBy(lines, ({ source }) => source);
  const makers = new Map<string, string>();
  for (const { source, tags } of lines) for (const tag of tags) if (!makers.has(tag)) makers.set(tag, source);
  const tasks: EstateTask[] = [];
  const placed = new Set<string>();
  const uses = new Map<string, { platforms: Set<string>; count: number }>();
  const place = (source: string): void => {
    if (placed.has(source)) return;
    placed.add(source);
    const all = definitions.get(source)!;
    const { tags, froms, base } = all[0]!;
    const platforms = all.map(({ platform }) => platform);
    const inputs = [...new Set(froms)].filter((from) => from !== 'scratch');
    for (const from of inputs) {
      const maker = makers.get(from);
      if (maker !== undefined) {
        place(maker);
        continue;
      }
      const use = uses.get(from) ?? { platforms: new Set(), count: 0 };
      for (const platform of platforms) use.platforms.add(platform);
      uses.set(from, { ...use, count: use.count + 1 });
    }
    tasks.push({
      name: `definition-${source}`,
      inputs: inputs.map((from) => ({ reference: named(from), role: from === base ? 'base' : 'build' })),
      outputs: tags.filter((tag) => makers.get(tag) === source).map(named),
      platforms,
      ...watchful,
      durationMs: durationOf(chance),
      fate: 'Done',
    });
  };
  for (const source of definitions.keys()) place(source);
  const roots = [...uses]
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([from, { platforms }]) => ({ reference: named(from), platforms: [...platforms] }));
  const shape =
    `${tasks.length} build definitions for ${lines.length} platforms on ${roots.length} outside images; ` +
    `most used: ${[...uses]
      .sort(([, a], [, b]) => b.count - a.count)
      .slice(0, 3)
      .map(([from, { count, platforms }]) => `${from} by ${count} (${platforms.size} platforms)`)
      .join(', ')}`;
  return { roots, tasks, shape };
};
