import { describe, expect, it } from 'vitest';
import { scenarioOf } from '../simulation/scenario.js';
import { describeOutcome, isBad, outcomeOf } from '../simulation/shrink.js';

/** Seeds that every run of the tests tries; `PLINTH_SIM_SEEDS` for more, `PLINTH_SIM_SEED` for one alone. */
const count = Number(process.env.PLINTH_SIM_SEEDS ?? 400);
const alone = process.env.PLINTH_SIM_SEED;
const first = alone === undefined ? 1 : Number(alone);
const seeds = Array.from({ length: alone === undefined ? count : 1 }, (_, index) => first + index);
const batch = 100;

describe('a simulated world of registries, builders, schedulers and people', () => {
  for (let start = 0; start < seeds.length; start += batch) {
    const some = seeds.slice(start, start + batch);
    it(`is rebuilt in order, once and for a reason, whatever happens (seeds ${some[0]} to ${some.at(-1)})`, () => {
      for (const seed of some) {
        const scenario = scenarioOf(seed);
        if (isBad(outcomeOf(scenario))) expect.fail(describeOutcome(scenario));
      }
    }, 600_000);
  }
});
