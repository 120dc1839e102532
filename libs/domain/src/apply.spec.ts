import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlinthError } from '#libs/contracts';
import { checkEach, fieldChanges, markedDefinition, onlyOnce, sameDefinition } from './apply.js';

interface Thing {
  readonly size: number;
  readonly appliedBy?: string;
}
const mark = (known: Thing | null, takeOver = false) =>
  markedDefinition<Thing>({ size: 2 }, known, { mark: 'shop', takeOver }, 'The thing');

describe('the mark of a set', () => {
  it('is given to what the set makes, and stays on it', () => {
    expect(mark(null)).toEqual({ size: 2, appliedBy: 'shop' });
    expect(mark({ size: 1, appliedBy: 'shop' })).toEqual({ size: 2, appliedBy: 'shop' });
  });

  it('is not given to what was made by hand, unless it is taken over', () => {
    expect(mark({ size: 1 })).toEqual({ size: 2 });
    expect(mark({ size: 1 }, true)).toEqual({ size: 2, appliedBy: 'shop' });
  });

  it('of another set is respected, unless it is taken over', () => {
    expect(() => mark({ size: 1, appliedBy: 'other' })).toThrow(/is of the set "other", not of "shop"/);
    expect(mark({ size: 1, appliedBy: 'other' }, true)).toEqual({ size: 2, appliedBy: 'shop' });
  });
});

describe('the difference of two definitions', () => {
  it('names each field that is added, removed or another', () => {
    const from = { a: 1, b: { c: [1, 2], 'd e': 'x' }, list: [{ n: 1 }, { n: 2 }] };
    const to = { a: 1, b: { c: [1, 2, 3] }, list: [{ n: 1 }, { n: 3 }], f: true };
    expect(fieldChanges(from, to)).toEqual([
      { field: 'b.c', from: [1, 2], to: [1, 2, 3] },
      { field: 'b["d e"]', from: 'x', to: null },
      { field: 'list[1].n', from: 2, to: 3 },
      { field: 'f', from: null, to: true },
    ]);
  });

  it('is empty exactly when both are the same JSON', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(sameDefinition(a, structuredClone(a))).toBe(true);
        const sorted = (v: unknown): string =>
          JSON.stringify(v, (_key, part: unknown) =>
            typeof part === 'object' && part !== null && !Array.isArray(part)
              ? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1)))
              : Object.is(part, -0)
                ? 0
                : part,
          );
        if (sorted(a) !== sorted(b)) expect(sameDefinition(a, b)).toBe(false);
      }),
    );
  });
});

describe('the checks of many things', () => {
  it('find everything that is wrong, each below its own path', () => {
    const seen = new Map<string, number>();
    const check = () =>
      checkEach('tasks', ['a', 'bad', 'a', 'mine'], (name, index) => {
        onlyOnce(seen, 'name', name, index, 'tasks');
        if (name === 'bad') throw new PlinthError('INVALID_ARGUMENT', 'bad.', [{ field: 'size', message: 'too bad' }]);
        if (name === 'mine') throw new PlinthError('PERMISSION_DENIED', 'mine belongs to somebody else.');
        return name;
      });
    let error: PlinthError | undefined;
    try {
      check();
    } catch (thrown) {
      error = thrown as PlinthError;
    }
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error?.message).toMatch(/^Nothing was changed\. bad\. 2 more/);
    expect(error?.violations).toEqual([
      { field: 'tasks[1].size', message: 'too bad' },
      { field: 'tasks[2].name', message: 'expected a name once; a stands at tasks[0] already' },
      { field: 'tasks[3]', message: 'mine belongs to somebody else.' },
    ]);
  });
});
