import { silentLogger } from '#libs/event-log';
import { Poller } from '../poller.js';
import { VirtualClock } from './virtual-clock.js';

const dayMs = 86_400_000;

export interface Scenario {
  readonly tags: number;
  readonly tagsPerRepository: number;
  readonly requestsPerSecond: number;
  readonly days: number;
  readonly seed: number;
}

/** Delays from a move to the look that saw it, in seconds; means weighted by dependants. */
export interface SimulationResult {
  readonly planned: number;
  /** Every tag once in tags / budget. */
  readonly fixed: number;
  /** Every tag after a random time of 10 to 60 minutes, as Azure Container Registry does it. */
  readonly acr: number;
  readonly moves: number;
  readonly looks: number;
  /** Requests that the registry refused since there were more than agreed. */
  readonly refused: number;
  /** Manifests that were read: one for each look that saw something new. */
  readonly reads: number;
}

interface SimulatedTag {
  readonly repository: string;
  readonly dependants: number;
  /** When it moves, in order. */
  readonly moves: readonly number[];
}

/** Uniform in [0, 1), the same for the same seed (mulberry32, public domain, Tommy Ettinger). */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/**
 * Tags in repositories. Dependants follow Zipf's law with exponent 1 over all tags, in random order; tags of a repository
 * move once a day to once in 90 days (log-uniform); when something is pushed to it, each tag moves with probability 0.8.
 */
const worldOf = ({ tags, tagsPerRepository, days }: Scenario, random: () => number): SimulatedTag[] => {
  const together = 0.8;
  const ranks = Array.from({ length: tags }, (_, index) => index + 1);
  for (let index = tags - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [ranks[index], ranks[other]] = [ranks[other]!, ranks[index]!];
  }
  const world: SimulatedTag[] = [];
  while (world.length < tags) {
    const repository = `sim.test/r${world.length}`;
    const moves = Array.from({ length: Math.min(tagsPerRepository, tags - world.length) }, (): number[] => []);
    const perDay = 90 ** -random();
    const gap = () => (-Math.log(1 - random()) / (perDay / together)) * dayMs;
    for (let at = gap(); at < days * dayMs; at += gap()) {
      for (const one of moves) if (random() < together) one.push(at);
    }
    for (const one of moves) {
      world.push({ repository, dependants: Math.max(1, Math.round(tags / ranks[world.length]!)), moves: one });
    }
  }
  return world;
};

/** Counts requests, and refuses when there are more in ten seconds than agreed. */
class CountingRegistry {
  looks = 0;
  refused = 0;
  private readonly recent: Float64Array;

  constructor(perSecond: number) {
    this.recent = new Float64Array(Math.ceil(perSecond * 10) + 1).fill(-Infinity);
  }

  request(now: number): void {
    const place = this.looks % this.recent.length;
    if (now - this.recent[place]! < 10_000 - 1) this.refused += 1;
    this.recent[place] = now;
    this.looks += 1;
  }
}

/** Runs the poller of production against the same moves as the two others that it is compared with. */
export const simulate = async (scenario: Scenario): Promise<SimulationResult> => {
  const { tags, days, requestsPerSecond, seed } = scenario;
  const world = worldOf(scenario, seeded(seed));
  const end = days * dayMs;
  const names = new Map(world.map((tag, index) => [`${tag.repository}:t${index}`, index]));
  const next = new Uint32Array(tags);
  const registry = new CountingRegistry(requestsPerSecond);
  const planned = new WeightedMean();
  let reads = 0;
  const clock = new VirtualClock();
  const look = (reference: string): Promise<void> => {
    const now = clock.now().getTime();
    const index = names.get(reference)!;
    const { moves, dependants } = world[index]!;
    registry.request(now);
    poller.requested('sim.test', { method: 'HEAD', ms: 50 });
    const before = next[index]!;
    for (let at = moves[before]; at !== undefined && at <= now; at = moves[next[index]!]) {
      planned.add(now - at, dependants);
      next[index]! += 1;
    }
    if (next[index]! > before) {
      reads += 1;
      poller.moved(reference);
    }
    return Promise.resolve();
  };
  const poller = new Poller({
    looker: { look },
    hostOf: () => 'sim.test',
    settingsOf: () => ({
      pacing: { kind: 'Budget', atLeastMs: 10_000 },
      limits: { requestsPerSecond, concurrency: 4 },
    }),
    factsOf: (reference) => {
      const { repository, dependants } = world[names.get(reference)!]!;
      return { repository, dependants, since: 0, moves: [], lastLookAt: null };
    },
    clock,
    logger: silentLogger,
    random: seeded(seed + 1_000_003),
  });
  for (const name of names.keys()) poller.add(name);
  poller.start();
  await clock.runTo(end);
  poller.stop();
  const others = seeded(seed + 2_000_003);
  const interval = (tags / requestsPerSecond) * 1000;
  return {
    planned: planned.seconds,
    fixed: delayOf(world, others, () => interval, interval),
    acr: delayOf(world, others, () => (10 + others() * 50) * 60_000, 3_600_000),
    moves: world.reduce((sum, { moves }) => sum + moves.length, 0),
    looks: registry.looks,
    refused: registry.refused,
    reads,
  };
};

const delayOf = (
  world: readonly SimulatedTag[],
  random: () => number,
  interval: () => number,
  first: number,
): number => {
  const mean = new WeightedMean();
  for (const { moves, dependants } of world) {
    let look = random() * first;
    for (const at of moves) {
      while (look < at) look += interval();
      mean.add(look - at, dependants);
    }
  }
  return mean.seconds;
};

class WeightedMean {
  private sum = 0;
  private weight = 0;

  add(ms: number, weight: number): void {
    this.sum += ms * weight;
    this.weight += weight;
  }

  get seconds(): number {
    return this.sum / this.weight / 1000;
  }
}
