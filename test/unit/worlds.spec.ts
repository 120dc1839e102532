import fc from 'fast-check';
import { describe, it } from 'vitest';
import { scenarios } from '../simulation/arbitrary.js';
import { describeOutcome, isBad, outcomeOf } from '../simulation/shrink.js';

describe('any small world', () => {
  it('is rebuilt in order, once and for a reason, with loops of any shape', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        if (isBad(outcomeOf(scenario))) throw new Error(describeOutcome(scenario));
      }),
      { numRuns: Number(process.env.PLINTH_SIM_SEEDS ?? 300) },
    );
  }, 600_000);
});
