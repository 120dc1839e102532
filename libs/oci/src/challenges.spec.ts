import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenges.js';

const read = (headers: string | string[]) =>
  parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('parseChallenges', () => {
  it('reads what Docker Hub sends, keeping the case of values', () => {
    expect(
      read('Bearer realm="https://auth.docker.io/Token",service="registry.docker.io",scope="repository:a/B:pull,push"'),
    ).toEqual([
      [
        'bearer',
        { realm: 'https://auth.docker.io/Token', service: 'registry.docker.io', scope: 'repository:a/B:pull,push' },
      ],
    ]);
  });

  it.each<[string, string | string[], unknown]>([
    [
      'two challenges in one header (Codeberg)',
      'Bearer realm="https://x/t",service="s",Basic realm="y"',
      [
        ['bearer', { realm: 'https://x/t', service: 's' }],
        ['basic', { realm: 'y' }],
      ],
    ],
    [
      'one in each of two headers',
      ['Basic realm="y"', 'BEARER Realm="https://x"'],
      [
        ['basic', { realm: 'y' }],
        ['bearer', { realm: 'https://x' }],
      ],
    ],
    ['escaped quotes and commas', 'Basic realm="a \\"b\\", c=d"', [['basic', { realm: 'a "b", c=d' }]]],
    ['unquoted values', 'Bearer realm=https://x/t,service=s', [['bearer', { realm: 'https://x/t', service: 's' }]]],
    [
      'space around equals signs and commas',
      'Basic realm = "a" , charset = "UTF-8"',
      [['basic', { realm: 'a', charset: 'UTF-8' }]],
    ],
    [
      'a scheme alone',
      'Negotiate, Basic realm="a"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a' }],
      ],
    ],
    [
      'a token68',
      'Negotiate dG9r+/==, Basic realm="a"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a' }],
      ],
    ],
    [
      'a missing comma between challenges',
      'Bearer realm="a" Basic realm="b"',
      [
        ['bearer', { realm: 'a' }],
        ['basic', { realm: 'b' }],
      ],
    ],
    ['the first of a repeated parameter', 'Basic realm="a", realm="b"', [['basic', { realm: 'a' }]]],
    ['what comes before something unreadable', 'Basic realm="a", \u0001', [['basic', { realm: 'a' }]]],
    ['an empty header', '', []],
  ])('reads %s', (_, header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it('reads nothing when there is no header', () => {
    expect(parseChallenges(undefined)).toEqual([]);
  });

  it('takes any text without hanging or throwing', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'aB=",\\ \t'.split('')), maxLength: 60 }));
    fc.assert(fc.property(text, (header) => Array.isArray(parseChallenges(header))));
  });

  it('gives back every quoted value', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const quoted = value.replace(/["\\]/g, '\\$&').replace(/[\r\n\u2028\u2029]/g, '');
        const [challenge] = parseChallenges(`Bearer realm="${quoted}", service="s"`);
        expect(challenge?.parameters.get('realm')).toBe(value.replace(/[\r\n\u2028\u2029]/g, ''));
        expect(challenge?.parameters.get('service')).toBe('s');
      }),
    );
  });
});
