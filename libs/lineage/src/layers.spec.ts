import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '#libs/oci';
import { provesBase, sharedLayers, standsOn } from './layers.js';

/** Few different layers, so that chance makes equal beginnings. */
const layer = fc.integer({ min: 0, max: 2 }).map((text): Digest => digestOf(Buffer.from(String(text))));
const layers = fc.array(layer, { maxLength: 6 });

describe('the prefix rule', () => {
  it('finds every image under the layers that were put on it', () => {
    fc.assert(fc.property(layers, layers, (base, own) => standsOn([...base, ...own], base)));
  });

  it('says yes exactly when the base has no layer that the image has not at the same place', () => {
    fc.assert(
      fc.property(layers, layers, (image, base) => {
        expect(standsOn(image, base)).toBe(base.every((one, at) => image[at] === one));
      }),
    );
  });

  it('is transitive, and two that stand on each other are the same', () => {
    fc.assert(
      fc.property(layers, layers, layers, (a, b, c) => {
        if (standsOn(a, b) && standsOn(b, c)) expect(standsOn(a, c)).toBe(true);
        if (standsOn(a, b) && standsOn(b, a)) expect(a).toEqual(b);
      }),
    );
  });

  it('orders all that an image can stand on in one chain', () => {
    fc.assert(
      fc.property(layers, layers, layers, (image, one, other) => {
        if (standsOn(image, one) && standsOn(image, other))
          expect(standsOn(one, other) || standsOn(other, one)).toBe(true);
      }),
    );
  });

  it('is broken by a change of any layer of the base, and by its order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 6 }), fc.nat(), (texts, at) => {
        const base = texts.map((text) => digestOf(Buffer.from(String(text))));
        const image = [...base, digestOf(Buffer.from('own'))];
        expect(standsOn(image, base.with(at % base.length, digestOf(Buffer.from('other'))))).toBe(false);
        expect(standsOn(image, base.toReversed())).toBe(false);
      }),
    );
  });

  it('counts what two images share, the same from both sides and never more than either has', () => {
    fc.assert(
      fc.property(layers, layers, (a, b) => {
        const shared = sharedLayers(a, b);
        expect(shared).toBe(sharedLayers(b, a));
        expect(a.slice(0, shared)).toEqual(b.slice(0, shared));
        expect(a[shared] !== b[shared] || shared === Math.min(a.length, b.length)).toBe(true);
      }),
    );
  });

  it('lets an image without layers prove nothing, although it is under everything', () => {
    const image = [digestOf(Buffer.from('a'))];
    expect([standsOn(image, []), provesBase(image, []), provesBase(image, image)]).toEqual([true, false, true]);
  });
});
