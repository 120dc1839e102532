import { Chance } from '../simulation/chance.js';

/** A process that is killed, and where. */
export const services = ['watcher', 'graph', 'scheduler', 'builder'] as const;
export type ServiceName = (typeof services)[number];

/** One death: `at` is a crash point and how often it is passed before, in the form of PLINTH_CRASH_AT. */
export interface Kill {
  readonly service: ServiceName;
  readonly point: string;
  readonly at: string;
}

export interface Round {
  /** From 0. */
  readonly number: number;
  readonly kills: readonly Kill[];
  /** Names of the bases that move at the beginning. */
  readonly moves: readonly string[];
  /** Names of the bases that move once more while the first one that dies is down. */
  readonly movesWhileDown: readonly string[];
}

/** The kinds of death: each process where its effect is durable and nobody knows it yet. */
export const deaths: readonly Omit<Kill, 'at'>[] = [
  ...services.flatMap((service) => [
    // Appended, and not acknowledged: the process cannot know that its event is in the log.
    { service, point: 'log.appended' },
    // The projection's transaction is committed; nobody was told.
    { service, point: 'projection.committed' },
  ]),
  // The image is in the registry by digest; nothing says how it came about.
  { service: 'builder', point: 'builder.digest' },
  // Its provenance is there, too; run.built is not written.
  { service: 'builder', point: 'builder.pushed' },
  // run.built is written; no tag has moved.
  { service: 'builder', point: 'builder.built' },
  // Between two tags of one run.
  { service: 'builder', point: 'builder.tag' },
  // All tags have moved; run.succeeded is not written.
  { service: 'builder', point: 'builder.tagged' },
];

/** How often a point is passed at most before the death, so that every round of one moved base gets there. */
const deepest: Readonly<Record<string, number>> = { 'log.appended': 3, 'projection.committed': 3 };

const shuffled = <T>(chance: Chance, purpose: string, of: readonly T[]): T[] => {
  const rest = [...of];
  return of.map(() => rest.splice(Math.floor(chance.next(purpose) * rest.length), 1)[0]!);
};

/**
 * The rounds of a seed: in each twelve of them every kind of death occurs once as the first one, in another order. A
 * third of the rounds have a second process that dies, a third have a base that moves again while a process is down.
 */
export const roundOf = (seed: number, number: number, bases: readonly string[]): Round => {
  const block = Math.floor(number / deaths.length);
  const order = shuffled(new Chance(seed), `order of block ${block}`, deaths);
  const chance = new Chance(seed * 10_007 + number);
  const first = order[number % deaths.length]!;
  const others = deaths.filter(({ service }) => service !== first.service);
  const kinds = chance.hit('second death', 1 / 3) ? [first, chance.pick('second kind', others)] : [first];
  return {
    number,
    kills: kinds.map(({ service, point }) => ({
      service,
      point,
      at: `${point}:${chance.between('count', 1, deepest[point] ?? 2)}`,
    })),
    moves: chance.hit('all bases', 1 / 3) ? [...bases] : [chance.pick('base', bases)],
    movesWhileDown: chance.hit('move while down', 1 / 3) ? [chance.pick('base while down', bases)] : [],
  };
};
