import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntLists } from './int-lists.js';

const owners = 5;
const owner = fc.nat(owners - 1);
const value = fc.nat(90);
const step = fc.oneof(
  fc.record({ owner, set: fc.array(value, { maxLength: 80 }) }),
  fc.record({ owner, add: value }),
  fc.record({ owner, push: value }),
  fc.record({ owner, remove: value }),
);

describe('lists of integers', () => {
  it('are lists, whatever is done to those beside them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const lists = new IntLists();
        const plain = Array.from({ length: owners }, (): number[] => []);
        for (const [at, one] of steps.entries()) {
          lists.reserve(Math.min(owners, at + 5));
          const mine = plain[one.owner]!;
          if ('set' in one) {
            lists.set(one.owner, one.set);
            plain[one.owner] = [...one.set];
          } else if ('add' in one) {
            lists.add(one.owner, one.add);
            if (!mine.includes(one.add)) mine.push(one.add);
          } else if ('push' in one) {
            lists.push(one.owner, one.push);
            mine.push(one.push);
          } else {
            lists.remove(one.owner, one.remove);
            if (mine.includes(one.remove)) mine.splice(mine.indexOf(one.remove), 1);
          }
          expect(plain.map((_, each) => lists.list(each))).toEqual(plain);
        }
        for (const [each, list] of plain.entries()) {
          expect(lists.length(each)).toBe(list.length);
          for (let number = 0; number <= 90; number += 1) expect(lists.has(each, number)).toBe(list.includes(number));
        }
      }),
    );
  });
});
