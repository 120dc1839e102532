import { linksOf, type BuildEstate } from './estate.js';

/** An outside image has a new digest, as dependants get it, in virtual milliseconds. */
export interface Change {
  readonly reference: string;
  readonly at: number;
}

/**
 * The least number of builds by which everything stands on what is there: each task that a change reaches, once. A task
 * whose builds always fail passes nothing on, and is not counted. No rule of Plinth is in here, and none of its code.
 */
export const leastBuilds = (estate: BuildEstate, changed: readonly string[]): number =>
  reached(estate, new Set(changed)).filter(Boolean).length;

/**
 * The least number for changes that come while others are being built, when nobody knows what will come: a task is built
 * once more only for a change that came after its last build had started, so once for each time between two of its
 * starts (or before the first) in which a change came that reaches it.
 *
 * @param starts of the builds of each task that succeeded, in order, in virtual milliseconds
 */
export const leastBuildsAsStarted = (
  estate: BuildEstate,
  changes: readonly Change[],
  starts: ReadonlyMap<string, readonly number[]>,
): number => {
  const times = estate.tasks.map(() => new Set<number>());
  for (const { reference, at } of changes) {
    for (const [task, is] of reached(estate, new Set([reference])).entries()) if (is) times[task]!.add(at);
  }
  let least = 0;
  for (const [task, { name }] of estate.tasks.entries()) {
    const started = starts.get(name) ?? [];
    const between = new Set([...times[task]!].map((at) => started.filter((start) => start < at).length));
    least += between.size;
  }
  return least;
};

/** By task, whether one of the changes makes its image another one. */
const reached = (estate: BuildEstate, changed: ReadonlySet<string>): boolean[] => {
  const { up, rootsOf } = linksOf(estate);
  const is: boolean[] = [];
  for (const [at, { fate }] of estate.tasks.entries()) {
    const touched = rootsOf[at]!.some((reference) => changed.has(reference)) || up[at]!.some((above) => is[above]);
    is.push(touched && fate !== 'FailsAlways');
  }
  return is;
};
