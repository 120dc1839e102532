/**
 * A tag that stands for the versions that fit it: `22.x`, `22.4.x`, `v1.x`, `22.x-alpine`, `x`. Of the repository's tags
 * those fit that are versions, begin with the same numbers and end with the same suffix; the highest one counts, as
 * Semantic Versioning orders them (https://semver.org, 11). Pre-releases have a suffix, so they fit no range without it.
 */
export interface VersionRange {
  readonly prefix: string;
  readonly numbers: readonly number[];
  readonly suffix: string;
}

/** Undefined for a tag that is no range. */
export const versionRange = (tag: string): VersionRange | undefined => {
  const match = /^(v?)((?:\d{1,9}\.){0,2})x((?:-[A-Za-z0-9_.-]+)?)$/.exec(tag);
  if (!match) return undefined;
  const [, prefix = '', fixed = '', suffix = ''] = match;
  const numbers = fixed === '' ? [] : fixed.slice(0, -1).split('.').map(Number);
  return { prefix, numbers, suffix };
};

/** The numbers of a tag that fits; undefined where it does not. */
const numbersOf = (tag: string, { prefix, numbers, suffix }: VersionRange): readonly number[] | undefined => {
  if (!tag.startsWith(prefix) || !tag.endsWith(suffix) || tag.length < prefix.length + suffix.length) return undefined;
  const version = tag.slice(prefix.length, tag.length - suffix.length);
  if (!/^\d{1,9}(?:\.\d{1,9}){0,2}$/.test(version)) return undefined;
  const all = version.split('.').map(Number);
  // `22` is no version of `22.x` but a tag that moves itself.
  if (all.length <= numbers.length) return undefined;
  return numbers.every((number, index) => all[index] === number) ? all : undefined;
};

/** Positive when `a` is higher. Of `22.4` and `22.4.0` the one that says more is. */
const compare = (a: readonly number[], b: readonly number[]): number => {
  for (let index = 0; index < 3; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
};

/** The tag with the highest version that fits; undefined where none does. */
export const highestVersion = (range: VersionRange, tags: Iterable<string>): string | undefined => {
  let best: { readonly tag: string; readonly numbers: readonly number[] } | undefined;
  for (const tag of tags) {
    const numbers = numbersOf(tag, range);
    if (numbers && (!best || compare(numbers, best.numbers) > 0)) best = { tag, numbers };
  }
  return best?.tag;
};

export const fitsRange = (range: VersionRange, tag: string): boolean => numbersOf(tag, range) !== undefined;
