import { describe, expect, it } from 'vitest';
import { operations, PlinthError, type Input } from '#libs/contracts';
import { definitionOf } from '../testing/samples.js';
import { createdDefinition, overriddenDefinition, requestedDefinition, updatedDefinition } from './definition.js';

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

const digest = `sha256:${'0'.repeat(64)}`;
const asked = (more: object = {}, step: object = {}): Input<'createTask'> =>
  operations.createTask.input.parse({
    name: 'app',
    step: { type: 'Docker', contextPath: 'https://git.test/app.git', imageNames: ['registry.test/app:1'], ...step },
    ...more,
  });
const fieldsOf = (what: () => unknown): string[] => {
  try {
    what();
  } catch (error) {
    if (error instanceof PlinthError) return error.violations.map(({ field }) => field);
    throw error;
  }
  return [];
};

describe('the definition of a new task', () => {
  it('has every default, and the team of who asks unless another is named', () => {
    expect(createdDefinition(asked(), 'web')).toMatchObject({
      team: 'web',
      platforms: ['linux/amd64'],
      status: 'Enabled',
      timeout: 3600,
      step: { dockerFilePath: 'Dockerfile', isPushEnabled: true, arguments: [] },
      trigger: { baseImageTrigger: { baseImageTriggerType: 'Runtime', status: 'Enabled' } },
    });
    expect(createdDefinition(asked({ team: 'data' }), 'web').team).toBe('data');
  });

  it('takes the single platform of ACR, or ours, once each and in one spelling', () => {
    expect(createdDefinition(asked({ platform: { os: 'Linux', architecture: 'arm64' } }), 'web').platforms).toEqual([
      'linux/arm64',
    ]);
    const platforms = ['linux/amd64', 'linux/arm64/v8', 'linux/arm64', 'linux/amd64'];
    expect(createdDefinition(asked({ platforms }), 'web').platforms).toEqual(['linux/amd64', 'linux/arm64']);
    expect(createdDefinition(asked({ platform: {} }), 'web')).not.toHaveProperty('platform');
  });

  it('names every field that cannot be', () => {
    const step = {
      contextPath: 'ftp://git.test/app',
      imageNames: ['registry.test/app:1', 'UPPER', 'registry.test/a:{{.Run.Nothing}}', `registry.test/a@${digest}`],
      arguments: [
        { name: 'A', value: 'x' },
        { name: 'B', value: 'secret', isSecret: true },
        { name: 'C', secretRef: 'c' },
      ],
    };
    expect(fieldsOf(() => createdDefinition(asked({}, step), 'web'))).toEqual([
      'step.contextPath',
      'step.imageNames[1]',
      'step.imageNames[2]',
      'step.imageNames[3]',
      'step.arguments[1].value',
      'step.arguments[2].isSecret',
    ]);
    expect(fieldsOf(() => createdDefinition(asked({}, { imageNames: [] }), 'web'))).toEqual(['step.imageNames']);
    expect(fieldsOf(() => createdDefinition(asked({}, { imageNames: [], isPushEnabled: false }), 'web'))).toEqual([]);
  });
});

describe('a change of a task', () => {
  const before = createdDefinition(
    asked({ timeout: 600 }, { target: 'release', arguments: [{ name: 'A', value: '1' }] }),
    'web',
  );
  const change = (patch: object) =>
    updatedDefinition(before, operations.updateTask.input.parse({ name: 'app', ...patch }));

  it('leaves what it does not name', () => {
    expect(change({})).toEqual(before);
    expect(change({ status: 'Disabled' })).toEqual({ ...before, status: 'Disabled' });
    expect(change({ step: { noCache: true } })).toEqual({ ...before, step: { ...before.step, noCache: true } });
  });

  it('removes what is null', () => {
    expect(change({ step: { target: null } }).step).not.toHaveProperty('target');
    expect(change({ trigger: { baseImageTrigger: null } }).trigger).toEqual({ baseImageTrigger: null });
  });

  it('turns a trigger off and on, also one that was removed', () => {
    const off = change({ trigger: { baseImageTrigger: { status: 'Disabled' } } });
    expect(off.trigger.baseImageTrigger).toMatchObject({ baseImageTriggerType: 'Runtime', status: 'Disabled' });
    const none = change({ trigger: { baseImageTrigger: null } });
    const patch = operations.updateTask.input.parse({
      name: 'app',
      trigger: { baseImageTrigger: { baseImageTriggerType: 'All' } },
    });
    expect(updatedDefinition(none, patch).trigger.baseImageTrigger).toMatchObject({
      baseImageTriggerType: 'All',
      status: 'Enabled',
    });
  });

  it('is judged like a new task', () => {
    expect(fieldsOf(() => change({ step: { imageNames: ['not a name'] } }))).toEqual(['step.imageNames[0]']);
  });
});

describe('a run by hand with overrides', () => {
  it('puts its arguments over those of the task, and leaves the rest', () => {
    const list = [{ name: 'MODE', value: 'slow', isSecret: false }];
    const task = definitionOf('app', {
      arguments: [
        { name: 'KEEP', value: '1', isSecret: false },
        { name: 'MODE', value: 'fast', isSecret: false },
      ],
    });
    const { step, ...rest } = overriddenDefinition(task, { file: 'docker/Other', arguments: list });
    expect(step).toMatchObject({ dockerFilePath: 'docker/Other', arguments: [{ name: 'KEEP', value: '1' }, list[0]] });
    const { step: _step, ...others } = task;
    expect(rest).toEqual(others);
  });

  it('uses no secret but those of the task, and hands these to no other context', () => {
    const secret = { name: 'TOKEN', isSecret: true, secretRef: 'npm' };
    const task = definitionOf('app', { arguments: [secret] });
    const list = [{ name: 'X', isSecret: true, secretRef: 'another' }];
    expect(fieldsOf(() => overriddenDefinition(task, { arguments: list }))).toEqual([
      'overrideTaskStepProperties.arguments[0].secretRef',
    ]);
    expect(fieldsOf(() => overriddenDefinition(task, { contextPath: `context://sha256:${'0'.repeat(64)}` }))).toEqual([
      'overrideTaskStepProperties.contextPath',
    ]);
    const same = overriddenDefinition(task, { arguments: [{ name: 'X', isSecret: true, secretRef: 'npm' }] });
    expect(same.step.arguments).toHaveLength(2);
  });
});

describe('a build without a task', () => {
  const request = (more: object) =>
    operations.scheduleRun.input.parse({
      type: 'DockerBuildRequest',
      sourceLocation: 'https://git.test/web/app.git#main',
      imageNames: ['registry.test/app:1'],
      ...more,
    });

  it('has the defaults of a task, and nothing that would start it again', () => {
    expect(requestedDefinition(request({}), 'web')).toMatchObject({
      team: 'web',
      platforms: ['linux/amd64'],
      timeout: 3600,
      step: { type: 'Docker', contextPath: 'https://git.test/web/app.git#main', dockerFilePath: 'Dockerfile' },
      trigger: { baseImageTrigger: null },
    });
    expect(requestedDefinition(request({ team: 'other', platforms: ['linux/arm64'] }), 'web')).toMatchObject({
      team: 'other',
      platforms: ['linux/arm64'],
    });
  });

  it.each([
    ['sourceLocation', { sourceLocation: 'ftp://x' }],
    ['imageNames[0]', { imageNames: ['UPPER CASE'] }],
    ['imageNames', { imageNames: [] }],
    ['arguments[0].value', { arguments: [{ name: 'A', value: 'plain', isSecret: true }] }],
  ])('is refused by its own field %s', (field, more) => {
    expect(fieldsOf(() => requestedDefinition(request(more), 'web'))).toEqual([field]);
  });
});
