import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsRange, highestVersion, versionRange } from './version-range.js';

const highest = (range: string, ...tags: string[]) => highestVersion(versionRange(range)!, tags);

describe('a tag that is a range of versions', () => {
  it.each([
    ['22.x', ['22.9.0', '22.10.1', '22.10.0', '23.0.0', '2.99.0', '22', 'latest'], '22.10.1'],
    ['22.10.x', ['22.9.9', '22.10.1', '22.11.0'], '22.10.1'],
    ['x', ['1.9.0', '10.0.0', '9.9.9', 'x'], '10.0.0'],
    ['22.x-alpine', ['22.10.1', '22.9.0-alpine', '22.10.0-alpine', '22.10.0-alpine3.20'], '22.10.0-alpine'],
    ['v1.x', ['1.9.0', 'v1.2.0', 'v1.10.0-rc.1'], 'v1.2.0'],
    ['16.x', ['16.4', '16.10', '16'], '16.10'],
    ['22.x', ['22.4', '22.4.0'], '22.4.0'],
    ['22.x', ['21.0.0', '22', '22.1.0-rc.1', '22.1.0.1'], undefined],
  ])('%s of %j is %s', (range, tags, expected) => {
    expect(highest(range, ...tags)).toBe(expected);
    expect(highest(range, ...tags.toReversed())).toBe(expected);
  });

  it.each(['22', 'latest', '22.x.1', '22.y', '1.2.3.x', '22.xx', 'x.x', ''])('is not: %s', (tag) => {
    expect(versionRange(tag)).toBeUndefined();
  });

  it('follows the version that sorts last among those that fit, whatever else is there', () => {
    const number = fc.integer({ min: 0, max: 12 });
    const version = fc.tuple(number, number, number).map((all) => all.join('.'));
    const other = fc.constantFrom('latest', '1', '1.2.3-rc.1', '3.x', 'v1.2.3');
    fc.assert(
      fc.property(fc.array(fc.oneof(version, other)), number, (tags, major) => {
        // Padded, versions sort as text.
        const padded = (tag: string) => tag.replaceAll(/\d+/g, (digits) => digits.padStart(3, '0'));
        const fitting = tags.filter((tag) => new RegExp(`^${major}\\.\\d+\\.\\d+$`).test(tag));
        const last = fitting.toSorted((a, b) => (padded(a) < padded(b) ? -1 : 1)).at(-1);
        expect(highest(`${major}.x`, ...tags)).toBe(last);
        // `1` is no version of `1.x`.
        for (const tag of tags) expect(fitsRange(versionRange(`${major}.x`)!, tag)).toBe(fitting.includes(tag));
      }),
    );
  });
});
