import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heap, type Queued } from './heap.js';

describe('a heap', () => {
  it('answers the smallest key, whatever was put in and taken out before', () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat(50) }),
      fc.record({ remove: fc.nat(50) }),
      fc.constant('pop' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new Heap<Queued>();
        const oracle: Queued[] = [];
        for (const one of steps) {
          if (one === 'pop') {
            const { first } = heap;
            if (first) heap.remove(first);
            if (first) oracle.splice(oracle.indexOf(first), 1);
          } else if ('push' in one) {
            const item = { key: one.push, place: -1 };
            heap.push(item);
            oracle.push(item);
          } else if (oracle.length > 0) {
            const [item] = oracle.splice(one.remove % oracle.length, 1);
            heap.remove(item!);
            expect(heap.has(item!)).toBe(false);
          }
          expect(heap.size).toBe(oracle.length);
          expect(heap.first?.key).toBe(oracle.length === 0 ? undefined : Math.min(...oracle.map(({ key }) => key)));
        }
      }),
    );
  });
});
