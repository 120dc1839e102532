import type { Digest } from '#libs/oci';

/**
 * How many layers two images have in common from the bottom up. Compared are diff IDs, the digests of the uncompressed
 * layers: who pushes an image may compress its layers anew, which changes their digests and nothing in them.
 */
export function sharedLayers(a: readonly Digest[], b: readonly Digest[]): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}

/**
 * Whether an image can stand on a base: all layers of the base, in their order, are its first ones. It may have no layer
 * of its own (a build that sets only metadata). A base without layers is under everything, so it proves nothing:
 * see {@link provesBase}.
 */
export function standsOn(image: readonly Digest[], base: readonly Digest[]): boolean {
  return sharedLayers(image, base) === base.length;
}

/** {@link standsOn}, by at least one layer. */
export function provesBase(image: readonly Digest[], base: readonly Digest[]): boolean {
  return base.length > 0 && standsOn(image, base);
}
