import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageKey, inputKey, type ImageKeyParts, type TrackedFacts } from './keys.js';

const digests = fc.dictionary(fc.constantFrom('linux/amd64', 'linux/arm64'), fc.constantFrom('sha256:a', 'sha256:b'));
const facts = fc
  .array(fc.tuple(fc.constantFrom('node:22', 'alpine:3'), digests), { maxLength: 2 })
  .map((all) => new Map(all));
const plain = (one: TrackedFacts) =>
  ['node:22', 'alpine:3']
    .map((name) => [one.has(name), one.get(name)?.['linux/amd64'], one.get(name)?.['linux/arm64']].join())
    .join(' ');

describe('an input key', () => {
  it('is the same whatever told of the change: the order of facts does not matter', () => {
    fc.assert(
      fc.property(facts, (one) => {
        const other = new Map(
          [...one].reverse().map(([name, all]) => [name, Object.fromEntries(Object.entries(all).reverse())]),
        );
        expect(inputKey('app', 'h', other)).toBe(inputKey('app', 'h', one));
      }),
    );
  });
  it('differs when a digest of one platform differs', () => {
    fc.assert(
      fc.property(facts, facts, (one, other) => {
        expect(inputKey('app', 'h', one) === inputKey('app', 'h', other)).toBe(plain(one) === plain(other));
      }),
    );
  });
  it('differs by task and by definition', () => {
    const none = new Map();
    expect(new Set([inputKey('a', 'h', none), inputKey('b', 'h', none), inputKey('a', 'i', none)]).size).toBe(3);
  });
});

describe('an image key', () => {
  const parts: ImageKeyParts = {
    inputKey: 'k',
    sourceRevision: 'c0ffee',
    untracked: new Map([['alpine:3', { 'linux/amd64': 'sha256:a' }]]),
    secretVersions: { token: '1' },
  };
  it('is the same for the same', () => expect(imageKey({ ...parts })).toBe(imageKey(parts)));
  it.each<[string, Partial<ImageKeyParts>]>([
    ['the input key', { inputKey: 'l' }],
    ['the source revision', { sourceRevision: null }],
    ['an untracked input', { untracked: new Map([['alpine:3', { 'linux/amd64': 'sha256:b' }]]) }],
    ['the version of a secret', { secretVersions: { token: '2' } }],
  ])('differs by %s', (_what, change) => expect(imageKey({ ...parts, ...change })).not.toBe(imageKey(parts)));
});
