import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyDefinition } from '#libs/contracts';
import { fits, overlap, specificity } from './patterns.js';
import { policyFor, refuseTies } from './policy-set.js';

/** `*` as a regular expression has it: slow, and plainly right. */
const bruteFits = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(text);

describe('a pattern of references', () => {
  it.each([
    ['docker.io/library/node:22', 'docker.io/library/node:22', true],
    ['docker.io/library/node:22', 'docker.io/library/node:22-alpine', false],
    ['docker.io/library/node', 'docker.io/library/node:22', true],
    ['docker.io/library/node', 'docker.io/library/node-red:1', false],
    ['docker.io/library/*', 'docker.io/library/node:22', true],
    ['docker.io/library/node:22*', 'docker.io/library/node:22-alpine', true],
    ['127.0.0.1:5000/base', '127.0.0.1:5000/base:1', true],
    ['*/base:1', 'registry.test/team/base:1', true],
    ['*', 'registry.test/team/base:1', true],
    // What begins and what ends it are not the same characters.
    ['registry.test/base:1*1', 'registry.test/base:1', false],
    ['registry.test/base:1*1', 'registry.test/base:101', true],
  ])('%s, of %s: %s', (pattern, reference, expected) => {
    expect(fits(pattern, reference)).toBe(expected);
  });

  const letters = fc.array(fc.constantFrom('a', 'b', '*', ':'), { maxLength: 6 }).map((all) => `x/${all.join('')}`);
  // A tag in it: what a pattern without one means is told above.
  const pattern = letters.map((text) => (text.includes(':') || text.endsWith('*') ? text : `${text}:a`));
  const texts = ['a', 'b', ':'].reduce<string[]>(
    (all, _letter, round) => (round === 0 ? all : all.flatMap((one) => [one, ...['a', 'b', ':'].map((c) => one + c)])),
    ['', 'a', 'b', ':', 'aa', 'ab', 'ba', 'bb', 'a:', ':a', 'b:', ':b'],
  );
  const references = [...new Set(texts)].map((text) => `x/${text}`);

  it('fits what its regular expression fits', () => {
    fc.assert(
      fc.property(pattern, fc.constantFrom(...references), (one, reference) => {
        expect(fits(one, reference)).toBe(bruteFits(one, reference));
      }),
    );
  });

  it('overlaps another one when some reference fits both, and only then', () => {
    // Two patterns of so few letters that overlap do so in a short text.
    const all = ['', 'a', 'b', ':'].flatMap((a) => ['', 'a', 'b', ':'].map((b) => a + b));
    const short = all.flatMap((a) => all.flatMap((b) => all.flatMap((c) => all.map((d) => `x/${a}${b}${c}${d}`))));
    const unique = [...new Set(short)];
    const brief = fc.array(fc.constantFrom('a', 'b', '*', ':'), { maxLength: 4 }).map((one) => `x/${one.join('')}`);
    const tagged = brief.map((text) => (text.includes(':') || text.endsWith('*') ? text : `${text}:a`));
    fc.assert(
      fc.property(tagged, tagged, (one, other) => {
        const [a, b] = [one, other].map((text) => new RegExp(`^${text.replaceAll('*', '.*')}$`));
        expect(overlap(one, other)).toBe(unique.some((reference) => a!.test(reference) && b!.test(reference)));
      }),
      { numRuns: 300 },
    );
  });

  it('is found fitting or not in a moment, however it is written', () => {
    expect(fits(`x/${'*a'.repeat(200)}:b`, `x/${'a'.repeat(500)}:c`)).toBe(false);
    expect(specificity('docker.io/library/*')).toBeLessThan(specificity('docker.io/library/node'));
  });
});

describe('of several policies', () => {
  const policy = (name: string, ...match: string[]): PolicyDefinition => ({ name, match });

  it('the one with the most specific pattern counts', () => {
    const all = [
      policy('all', '*'),
      policy('hub', 'docker.io/*'),
      policy('node', 'docker.io/library/node', 'ghcr.io/*'),
    ];
    expect(policyFor(all, 'docker.io/library/node:22')?.name).toBe('node');
    expect(policyFor(all, 'docker.io/library/alpine:3')?.name).toBe('hub');
    expect(policyFor(all, 'ghcr.io/acme/app:1')?.name).toBe('node');
    expect(policyFor(all, 'quay.io/acme/app:1')?.name).toBe('all');
    expect(policyFor([policy('hub', 'docker.io/*')], 'quay.io/acme/app:1')).toBeUndefined();
  });

  it('two that would tie are refused, with the field and the other pattern', () => {
    const known = [policy('a', 'docker.io/library/a*:1')];
    expect(() => refuseTies(policy('b', 'ghcr.io/*', 'docker.io/library/*b:1'), known)).toThrow(
      expect.objectContaining({
        code: 'FAILED_PRECONDITION',
        violations: [{ field: 'match[1]', message: expect.stringContaining('docker.io/library/a*:1 of the policy a') }],
      }),
    );
    // Itself, anew, is no other.
    refuseTies(policy('a', 'docker.io/library/a*:1'), known);
    // As long, and nothing fits both.
    refuseTies(policy('b', 'docker.io/library/b*:1'), known);
  });
});
