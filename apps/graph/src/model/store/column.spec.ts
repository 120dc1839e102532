import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Column } from './column.js';

describe('a column', () => {
  it('has what was set, and stores the pages that changed and no others', () => {
    const size = 40;
    const step = fc.record({ at: fc.nat(size - 1), value: fc.nat(255), store: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const column = new Column(Float64Array, 8);
        const plain = new Map<number, number>();
        const pages = new Map<number, Uint8Array>();
        const changed = new Set<number>();
        const store = (): void => {
          const taken = [...column.takePages()].map(([page, bytes]) => [page, bytes.slice()] as const);
          expect(new Set(taken.map(([page]) => page))).toEqual(changed);
          changed.clear();
          for (const [page, bytes] of taken) pages.set(page, bytes);
        };
        for (const { at, value, store: isStored } of steps) {
          column.reserve(at + 1);
          if ((plain.get(at) ?? 0) !== value) changed.add(Math.floor(at / 8));
          column.set(at, value);
          plain.set(at, value);
          if (isStored) store();
        }
        store();
        const again = new Column(Float64Array, 8);
        for (const [page, bytes] of pages) again.loadPage(page, bytes);
        for (const one of [column, again]) one.reserve(size);
        const expected = Array.from({ length: size }, (_, at) => plain.get(at) ?? 0);
        for (const one of [column, again]) expect(expected.map((_, at) => one.get(at))).toEqual(expected);
      }),
    );
  });
});
