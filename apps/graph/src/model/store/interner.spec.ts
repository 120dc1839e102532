import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Interner } from './interner.js';

// Few of them, so that they come again; long ones, and ones that begin alike.
const text = fc.oneof(
  fc.constantFrom('', 'a', 'ab', 'abc', 'b', 'ß', '名', 'a'.repeat(100), 'a'.repeat(300)),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.nat(200).map((at) => `registry.example.com/team/app-${at}:latest`),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ put: text }) },
  { weight: 2, arbitrary: fc.record({ forget: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ store: fc.constant(true) }) },
);

/** What was stored, put into a new one. */
const reopened = (pages: ReadonlyMap<number, Uint8Array>): Interner => {
  const interner = new Interner();
  for (const [page, bytes] of pages) interner.loadPage(page, bytes);
  return interner;
};

describe('an interner', () => {
  it('is a map of texts to the lowest ids that are free, and is again what it was when it is opened', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const interner = new Interner();
        const known = new Map<string, number>();
        const pages = new Map<number, Uint8Array>();
        for (const one of steps) {
          if ('put' in one) {
            let free = 0;
            for (const ids = new Set(known.values()); ids.has(free);) free += 1;
            const id = known.get(one.put) ?? free;
            expect(interner.intern(one.put)).toBe(id);
            known.set(one.put, id);
          } else if ('forget' in one) {
            const [gone] = [...known.keys()].slice(one.forget % Math.max(1, known.size));
            if (gone === undefined) continue;
            interner.forget(known.get(gone)!);
            known.delete(gone);
            expect(interner.find(gone)).toBe(-1);
          } else for (const [page, bytes] of interner.takePages()) pages.set(page, bytes.slice());
        }
        for (const [page, bytes] of interner.takePages()) pages.set(page, bytes.slice());
        for (const one of [interner, reopened(pages)]) {
          for (const [name, id] of known) expect([one.find(name), one.text(id)]).toEqual([id, name]);
          const ids = Array.from({ length: one.size }, (_, id) => id).filter((id) => one.has(id));
          expect(ids).toEqual([...known.values()].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('puts ids in the order of their bytes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 120 }), (texts) => {
        const interner = new Interner();
        const ids = Uint32Array.from(texts, (one) => interner.intern(one));
        interner.sort(ids);
        const bytes = (one: string) => Buffer.from(one);
        const sorted = texts.toSorted((a, b) => bytes(a).compare(bytes(b)));
        expect(Array.from(ids, (id) => interner.text(id))).toEqual(sorted);
        for (let at = 1; at < ids.length; at += 1) expect(interner.compare(ids[at - 1]!, ids[at]!)).toBeLessThan(0);
      }),
    );
  });

  it('keeps no room for what was forgotten', () => {
    const interner = new Interner();
    for (let at = 0; at < 20_000; at += 1) {
      interner.intern(`${at} ${'x'.repeat(100)}`);
      if (at >= 10) interner.forget(interner.find(`${at - 10} ${'x'.repeat(100)}`));
    }
    expect(interner.size).toBeLessThan(20);
    expect(interner.pool.length).toBeLessThan(300_000);
    expect(interner.text(interner.find(`19999 ${'x'.repeat(100)}`))).toMatch(/^19999 x+$/);
  });
});
