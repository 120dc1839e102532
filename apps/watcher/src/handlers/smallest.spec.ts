import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallest } from './smallest.js';

describe('a page of many', () => {
  it('has the first in order of those that are wanted, and says whether there are more', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ maxLength: 3 })),
        fc.integer({ min: 1, max: 20 }),
        fc.string(),
        (all, size, after) => {
          const isWanted = (one: string) => one > after;
          const wanted = all.filter(isWanted).sort();
          expect(smallest(size, all, isWanted)).toEqual({ page: wanted.slice(0, size), more: wanted.length > size });
        },
      ),
    );
  });
});
