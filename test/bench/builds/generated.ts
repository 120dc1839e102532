import { Chance } from '../../simulation/chance.js';
import type { BuildEstate, EstateTask, Fate } from './estate.js';
import { linksOf } from './estate.js';

const platforms = ['linux/amd64'];
const depth = 8;
/** Of all tasks, how many have two or three parents; of those, how many were given two that share an ancestor. */
const shareOfSeveral = 0.3;
const shareOfDiamonds = 0.5;
const zipf = 1.1;
const shareFailing = 0.02;
const medianMs = 90_000;
const p99Ms = 1_200_000;
/** A build takes no longer than its timeout. */
const timeoutMs = 3_600_000;

/**
 * An estate of a seed: levels of tasks below outside images, what stands on what drawn by Zipf's law. Half of the tasks
 * with several parents have two that share an ancestor: those diamonds are what building at every push does twice.
 */
export const generatedEstate = (count: number, seed: number): BuildEstate => {
  const chance = new Chance(seed);
  const rootCount = Math.max(12, Math.round(count / 400));
  const roots = Array.from({ length: rootCount }, (_, at) => ({ reference: `registry.test/root-${at}:1`, platforms }));
  const perLevel = Math.ceil(count / depth);
  const rootOf = ranking(rootCount);
  const ofLevel = ranking(perLevel);
  const parents: number[][] = [];
  /** Outside image n is node -1 - n. */
  const below = new Map<number, number[]>();
  let diamonds = 0;
  let several = 0;
  for (let at = 0; at < count; at += 1) {
    const level = Math.floor(at / perLevel);
    const from = (upper: number) => upper * perLevel + ofLevel(chance.next('parent'));
    const first = level > 0 ? from(level - 1) : -1 - rootOf(chance.next('root'));
    const mine = new Set([first]);
    if (level > 0 && chance.hit('several', shareOfSeveral * (depth / (depth - 1)))) {
      several += 1;
      const wanted = chance.between('parents', 2, 3);
      if (chance.hit('diamond', shareOfDiamonds)) {
        const other = relative(chance, first, parents, below, level * perLevel);
        if (other !== undefined) {
          mine.add(other);
          diamonds += 1;
        }
      }
      while (mine.size < wanted) mine.add(from(chance.between('level', 0, level - 1)));
    }
    parents.push([...mine]);
    for (const parent of mine) below.set(parent, [...(below.get(parent) ?? []), at]);
  }
  const tasks = parents.map((mine, at): EstateTask => {
    const references = mine.map((node) => (node < 0 ? roots[-1 - node]!.reference : outputOf(node)));
    return {
      name: `task-${at}`,
      inputs: references.map((reference, input) => ({ reference, role: input === 0 ? 'base' : 'copy' })),
      outputs: [outputOf(at)],
      platforms,
      ...watchful,
      durationMs: durationOf(chance),
      fate: fateOf(chance),
    };
  });
  return { roots, tasks, shape: shapeOf(tasks, { roots: rootCount, several, diamonds }) };
};

/** As tasks are whose owners want every update: each build of one makes something new. */
export const watchful = { tracks: 'All', triggerEnabled: true, enabled: true, built: true, yields: 'fresh' } as const;

const outputOf = (at: number): string => `registry.test/task-${at}:1`;

const fateOf = (chance: Chance): Fate => {
  if (!chance.hit('failing', shareFailing)) return 'Done';
  return chance.hit('always', 0.5) ? 'FailsAlways' : 'FailsOnce';
};

/** Log-normal: the logarithm is normal, by Box and Muller. */
export const durationOf = (chance: Chance): number => {
  const sigma = Math.log(p99Ms / medianMs) / 2.326;
  const normal =
    Math.sqrt(-2 * Math.log(1 - chance.next('duration'))) * Math.cos(2 * Math.PI * chance.next('duration angle'));
  return Math.min(timeoutMs, Math.round(medianMs * Math.exp(sigma * normal)));
};

/** Another descendant of an ancestor of a task, above a place; undefined where there is none near. */
const relative = (
  chance: Chance,
  task: number,
  parents: readonly (readonly number[])[],
  below: ReadonlyMap<number, readonly number[]>,
  before: number,
): number | undefined => {
  for (let tries = 0; tries < 16; tries += 1) {
    let here = task;
    for (let steps = chance.between('up', 1, 3); steps > 0 && here >= 0; steps -= 1) {
      here = chance.pick('which up', parents[here]!);
    }
    const ancestor = here;
    for (let steps = chance.between('down', 1, 3); steps > 0; steps -= 1) {
      const next = chance.pick('which down', below.get(here) ?? [before]);
      if (next >= before) break;
      here = next;
    }
    if (here !== ancestor && here !== task) return here;
  }
  return undefined;
};

/** Places by Zipf's law: 0 ≤ x < 1 → a place, the first the likeliest. */
const ranking = (count: number): ((x: number) => number) => {
  const sums: number[] = [];
  let sum = 0;
  for (let place = 1; place <= count; place += 1) sums.push((sum += place ** -zipf));
  return (x) => {
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > x * sum) high = middle;
      else low = middle + 1;
    }
    return low;
  };
};

interface Counts {
  readonly roots: number;
  readonly several: number;
  readonly diamonds: number;
}

/** The shape as it came out, not as it was asked for. */
const shapeOf = (tasks: readonly EstateTask[], { roots, several, diamonds }: Counts): string => {
  const { up } = linksOf({ tasks });
  const levels: number[] = [];
  const fanOut = new Map<string, number>();
  for (const [at, { inputs }] of tasks.entries()) {
    levels.push(1 + Math.max(0, ...up[at]!.map((above) => levels[above]!)));
    for (const { reference } of inputs) fanOut.set(reference, (fanOut.get(reference) ?? 0) + 1);
  }
  const durations = tasks.map(({ durationMs }) => durationMs / 1000).sort((a, b) => a - b);
  const at = (share: number) => durations[Math.floor(share * durations.length)]!.toFixed(0);
  const fans = [...fanOut.values()].sort((a, b) => b - a);
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  const failing = tasks.filter(({ fate }) => fate !== 'Done').length;
  const always = tasks.filter(({ fate }) => fate === 'FailsAlways').length;
  return [
    `${tasks.length} tasks on ${roots} outside images, depth ${Math.max(...levels)}`,
    `${percent(several, tasks.length)} with 2 or 3 parents, ${percent(diamonds, several)} of these given a pair with a common ancestor`,
    `direct dependants of the first images ${fans.slice(0, 3).join(', ')}, of the hundredth ${fans[99] ?? 0} (Zipf ${zipf})`,
    `durations ${at(0.5)} s median, ${at(0.99)} s p99, ${at(1 - 1e-9)} s longest`,
    `${percent(failing, tasks.length)} fail: ${failing - always} at the first try, ${always} always`,
  ].join('; ');
};
