import type { TaskPlan } from '../../simulation/scenario.js';

/** What becomes of the builds of a task: done, or failed at the first try of what it is to build, or always. */
export type Fate = 'Done' | 'FailsOnce' | 'FailsAlways';

export interface EstateTask extends TaskPlan {
  readonly fate: Fate;
}

/** Tasks and the outside images that they stand on. Tasks come after those that they stand on. */
export interface BuildEstate {
  /** The likelier to move, the nearer to the front. */
  readonly roots: readonly { readonly reference: string; readonly platforms: readonly string[] }[];
  readonly tasks: readonly EstateTask[];
  readonly shape: string;
}

/** A new digest of an outside image for some of its platforms. */
export interface Publication {
  readonly afterMs: number;
  readonly reference: string;
  readonly platforms: readonly string[];
}

/** Each task with the places of those that it stands on, and the outside images that it names. */
export interface Links {
  readonly up: readonly (readonly number[])[];
  readonly rootsOf: readonly (readonly string[])[];
}

export const linksOf = ({ tasks }: Pick<BuildEstate, 'tasks'>): Links => {
  const makers = new Map(tasks.flatMap(({ outputs }, at) => outputs.map((reference) => [reference, at] as const)));
  const up: number[][] = [];
  const rootsOf: string[][] = [];
  for (const [at, { inputs }] of tasks.entries()) {
    const above = new Set<number>();
    const outside = new Set<string>();
    for (const { reference } of inputs) {
      const maker = makers.get(reference);
      if (maker === undefined) outside.add(reference);
      else if (maker >= at) throw new Error(`${tasks[at]!.name} stands on ${reference}, which comes after it.`);
      else above.add(maker);
    }
    up.push([...above]);
    rootsOf.push([...outside]);
  }
  return { up, rootsOf };
};
