import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursorOf, pageSizeOf, tokenOf } from './paging.js';

describe('a page', () => {
  it('has 50 items unless said, and never more than 1000', () => {
    expect([pageSizeOf(undefined), pageSizeOf(0), pageSizeOf(7), pageSizeOf(1000), pageSizeOf(5000)]).toEqual([
      50, 50, 7, 1000, 1000,
    ]);
  });

  it('goes on where the token of the page before says', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
        (cursor) => cursorOf(tokenOf(cursor)) === cursor,
      ),
    );
    expect(cursorOf(tokenOf(42))).toBe('42');
    expect([cursorOf(undefined), cursorOf('')]).toEqual([undefined, undefined]);
  });

  it.each(['!!', 'YXBw=', 'YX Bw', '\u0000'])('refuses the token %j, which nobody answered', (token) => {
    expect(() => cursorOf(token)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
