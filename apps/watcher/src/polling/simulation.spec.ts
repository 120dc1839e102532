import { describe, expect, it } from 'vitest';
import { simulate } from './testing/simulation.js';

describe('a month of polling, by the plan', () => {
  it.each([1, 2, 3])(
    'sees moves far sooner than at fixed intervals with as many requests, and never asks more than agreed (seed %i)',
    async (seed) => {
      const scenario = { tags: 100, tagsPerRepository: 10, requestsPerSecond: 0.5, days: 10, seed };
      const { planned, fixed, acr, looks, refused, reads, moves } = await simulate(scenario);
      expect(refused).toBe(0);
      expect(reads).toBeLessThanOrEqual(moves);
      expect(looks).toBeGreaterThan(0.99 * 0.5 * 864_000);
      expect(planned).toBeLessThan(fixed / 3);
      expect(planned).toBeLessThan(acr / 25);
    },
  );
});
