import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { taskDefinitionSchema, type TaskDefinition } from '#libs/contracts';
import { canonicalJson, definitionHash, hashOf } from './definition.js';

const definition = (change: Record<string, unknown> = {}, step: Record<string, unknown> = {}): TaskDefinition =>
  taskDefinitionSchema.parse({
    name: 'app',
    team: 'platform',
    platforms: ['linux/amd64', 'linux/arm64'],
    step: { type: 'Docker', contextPath: 'https://git.test/app.git', imageNames: ['app:1'], ...step },
    ...change,
  });

const argument = (change: Record<string, unknown>) => ({ arguments: [{ name: 'VERSION', ...change }] });

describe('canonical JSON', () => {
  it('does not depend on the order of keys, at any depth', () => {
    expect(canonicalJson({ b: { d: 1, c: [{ f: 2, e: 3 }] }, a: null })).toBe(
      '{"a":null,"b":{"c":[{"e":3,"f":2}],"d":1}}',
    );
  });
  it('leaves out what is absent', () => expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}'));
  it('is read back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it('keeps the order of lists', () => expect(hashOf([1, 2])).not.toBe(hashOf([2, 1])));
});

describe('the hash of a definition', () => {
  const hash = definitionHash(definition());
  it.each<[string, TaskDefinition]>([
    ['the status', definition({ status: 'Disabled' })],
    ['the trigger', definition({ trigger: { baseImageTrigger: null } })],
    ['the timeout', definition({ timeout: 600 })],
    ['the pool', definition({ agentPoolName: 'large' })],
    ['the tags of the task', definition({ tags: { team: 'a' } })],
    ['the order of platforms', definition({ platforms: ['linux/arm64', 'linux/amd64'] })],
    ['the cache', definition({}, { noCache: true })],
    ['where the token of the context is', definition({}, { contextAccessToken: 'env:TOKEN' })],
  ])('does not change with %s', (_what, other) => expect(definitionHash(other)).toBe(hash));
  it.each<[string, TaskDefinition]>([
    ['the context', definition({}, { contextPath: 'https://git.test/other.git' })],
    ['the file', definition({}, { dockerFilePath: 'Containerfile' })],
    ['the target', definition({}, { target: 'release' })],
    ['an argument', definition({}, argument({ value: '1' }))],
    ['the image names', definition({}, { imageNames: ['app:2'] })],
    ['whether it pushes', definition({}, { isPushEnabled: false })],
    ['the platforms', definition({ platforms: ['linux/amd64'] })],
  ])('changes with %s', (_what, other) => expect(definitionHash(other)).not.toBe(hash));
  it('tells another value and another place of a secret apart', () => {
    const one = definitionHash(definition({}, argument({ isSecret: true, secretRef: 'key@1' })));
    const other = definitionHash(definition({}, argument({ isSecret: true, secretRef: 'key@2' })));
    expect(one).not.toBe(other);
  });
  it('does not count the names of what is not pushed', () => {
    const one = definitionHash(definition({}, { isPushEnabled: false }));
    expect(definitionHash(definition({}, { isPushEnabled: false, imageNames: ['other:1'] }))).toBe(one);
  });
});
