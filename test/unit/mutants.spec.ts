import { describe, expect, it } from 'vitest';
import { mutants } from '../simulation/mutants.js';
import { scenarioOf } from '../simulation/scenario.js';
import { isBad, outcomeOf } from '../simulation/shrink.js';

/** Seeds within which the oracle must have found each planted bug. */
const seeds = 200;

describe('the oracle finds each bug that is planted', () => {
  for (const { name, plant } of mutants) {
    it(`${name}`, () => {
      for (let seed = 1; seed <= seeds; seed += 1) {
        const outcome = outcomeOf(scenarioOf(seed), plant);
        if (!isBad(outcome)) continue;
        const [first] = outcome.violations;
        const how = first ? `${first.rule}: ${first.task} ${first.text}` : outcome.thrown?.split('\n')[0];
        console.info(`seed ${seed} caught "${name}" (${how})`);
        // Without the planted bug the same world is as it should be.
        expect(outcomeOf(scenarioOf(seed)).violations).toEqual([]);
        return;
      }
      expect.fail(`no seed up to ${seeds} shows it`);
    }, 120_000);
  }
});
