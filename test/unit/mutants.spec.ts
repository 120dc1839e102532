import { describe, expect, it } from 'vitest';
import { mutants } from '../simulation/mutants.js';
import { scenarioOf } from '../simulation/scenario.js';
import { outcomeOf } from '../simulation/shrink.js';

/** Seeds within which the oracle must have found each planted bug. */
const seeds = 200;

describe('the oracle finds each bug that is planted', () => {
  for (const { name, plant, onlyShown } of mutants) {
    it(`${name}`, () => {
      for (let seed = 1; seed <= seeds; seed += 1) {
        const { violations, thrown } = outcomeOf(scenarioOf(seed), plant);
        // What is shown wrong is found first; what counts is what the system did wrong because of it.
        const done = violations.find(({ rule }) => onlyShown || rule !== 'shown');
        if (!done && thrown === null) continue;
        process.stdout.write(
          `seed ${seed} caught "${name}": ${done ? `${done.rule}, ${done.task} ${done.text}` : thrown}\n`,
        );
        // Without the planted bug the same world is as it should be.
        expect(outcomeOf(scenarioOf(seed)).violations).toEqual([]);
        return;
      }
      expect.fail(`no seed up to ${seeds} shows it`);
    }, 120_000);
  }
});
