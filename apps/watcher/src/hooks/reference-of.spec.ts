import { describe, expect, it } from 'vitest';
import { digestOf } from '../testing/samples.js';
import { referenceOf } from './reference-of.js';

const hint = { repository: 'team/app', tag: '1' };

describe('the reference that a hint is about', () => {
  it('is on the registry that sent it', () => {
    expect(referenceOf(hint, 'registry.test:5000')).toBe('registry.test:5000/team/app:1');
    expect(referenceOf({ repository: 'node', tag: '22' }, 'docker.io')).toBe('docker.io/library/node:22');
  });

  it('is none when the event names another host', () => {
    expect(referenceOf({ ...hint, host: 'eu.gcr.io' }, 'gcr.io')).toBeUndefined();
    expect(referenceOf({ ...hint, host: 'gcr.io' }, 'gcr.io')).toBe('gcr.io/team/app:1');
  });

  it('is rewritten by the first rule that fits', () => {
    const rewrites = [
      { from: 'docker-local/', to: 'docker/' },
      { from: 'docker', to: 'never' },
      { from: '1.dkr.ecr.eu-west-1.amazonaws.com/', to: 'cache/' },
    ];
    const of = (repository: string, host?: string) =>
      referenceOf({ repository, tag: '1', host }, 'images.test', rewrites);
    expect(of('docker-local/app')).toBe('images.test/docker/app:1');
    expect(of('other/app')).toBe('images.test/other/app:1');
    expect(of('app', '1.dkr.ecr.eu-west-1.amazonaws.com')).toBe('images.test/cache/app:1');
  });

  it.each([
    ['a digest in place of the tag', { ...hint, tag: digestOf('x') }],
    ['an empty tag', { ...hint, tag: '' }],
    ['no name', { ...hint, repository: '' }],
    ['a name with upper case', { ...hint, repository: 'Team/App' }],
    ['a way out', { ...hint, repository: '../x' }],
    ['a digest in the name', { ...hint, repository: `app@${digestOf('x')}` }],
  ])('is none for %s', (_what, wrong) => {
    expect(referenceOf(wrong, 'registry.test')).toBeUndefined();
  });
});
