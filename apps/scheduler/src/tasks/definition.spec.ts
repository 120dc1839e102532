import { describe, expect, it } from 'vitest';
import { definitionOf } from '../testing/samples.js';
import { overriddenDefinition } from './definition.js';

const stored = definitionOf('app', {
  contextPath: 'https://git.test/web/app.git#main',
  contextAccessToken: 'git-token',
});
const tokenFor = (contextPath?: string) =>
  overriddenDefinition(stored, contextPath === undefined ? {} : { contextPath }).step.contextAccessToken;

describe('the token of a task for its context', () => {
  it('goes with another branch or repository of the same host', () => {
    expect(tokenFor()).toBe('git-token');
    expect(tokenFor('https://git.test/web/app.git#next')).toBe('git-token');
    expect(tokenFor('https://git.test/web/other.git')).toBe('git-token');
  });

  it.each([
    'https://elsewhere.test/web/app.git#main',
    'http://git.test/web/app.git#main',
    'https://git.test:8443/web/app.git#main',
    `context://sha256:${'1'.repeat(64)}`,
  ])('is not sent to %s, which a run by hand names instead', (contextPath) => {
    expect(tokenFor(contextPath)).toBeUndefined();
  });
});
