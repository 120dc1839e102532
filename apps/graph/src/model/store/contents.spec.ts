import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Contents, PlatformSets } from './contents.js';

const names = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'windows/amd64:10.0.1'];
const digest = fc.oneof(
  fc.constantFrom('a', 'b', 'c').map((letter) => `sha256:${letter.repeat(64)}`),
  fc.constantFrom('d', 'e').map((letter) => `sha512:${letter.repeat(128)}`),
);
const platforms = fc.dictionary(fc.constantFrom(...names), digest);
const wanted = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 });

describe('contents', () => {
  it('are the same when their platforms have the same digests, and differ by platform', () => {
    fc.assert(
      fc.property(platforms, platforms, wanted, (a, b, asked) => {
        const sets = new PlatformSets();
        const contents = new Contents(sets);
        const [idA, idB, set] = [contents.of(a), contents.of(b), sets.of(asked)];
        expect(idA === idB).toBe(isDeepStrictEqual({ ...a }, { ...b }));
        expect(contents.covers(idA, set)).toBe(asked.every((one) => one in a));
        expect(contents.differ(idA, idB, set)).toBe(asked.some((one) => one in a && one in b && a[one] !== b[one]));
      }),
    );
  });

  it('go when nobody keeps them any more', () => {
    const contents = new Contents(new PlatformSets());
    const of = (letter: string) => contents.of({ 'linux/amd64': `sha256:${letter.repeat(64)}` });
    const first = of('a');
    contents.keep(first);
    contents.keep(first);
    contents.release(first);
    expect([of('a'), of('b')]).toEqual([first, first + 1]);
    contents.release(first);
    expect(of('c')).toBe(first);
  });
});
