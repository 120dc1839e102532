import { describe, expect, it } from 'vitest';
import type { InputRole, TaskDefinition } from '#libs/contracts';
import {
  knownInputs,
  rebuildsAutomatically,
  trackedInputs,
  tracks,
  type InputKnowledge,
  type KnownInput,
} from './tracking.js';

type Trigger = TaskDefinition['trigger'];
const trigger = (
  baseImageTriggerType: 'Runtime' | 'All' | null,
  status: 'Enabled' | 'Disabled' = 'Enabled',
): Trigger => ({
  baseImageTrigger: baseImageTriggerType && { name: 'base', baseImageTriggerType, status },
});
const roles: InputRole[] = ['base', 'build', 'copy', 'mount', 'frontend'];
const pinned = `node:22@sha256:${'a'.repeat(64)}`;

describe('what a task tracks', () => {
  it.each<[string, Trigger, InputRole[]]>([
    ['Runtime: the base of the final stage', trigger('Runtime'), ['base']],
    ['All: every image but the frontend', trigger('All'), ['base', 'build', 'copy', 'mount']],
    ['a disabled trigger: what it tracked before', trigger('All', 'Disabled'), ['base', 'build', 'copy', 'mount']],
    ['no trigger: nothing', trigger(null), []],
  ])('%s', (_title, one, tracked) => {
    expect(roles.filter((role) => tracks({ trigger: one }, { reference: 'node:22', role }))).toEqual(tracked);
  });
  it('is never what is named by digest: it does not move', () => {
    expect(tracks({ trigger: trigger('All') }, { reference: pinned, role: 'base' })).toBe(false);
    expect(tracks({ trigger: trigger('All') }, { reference: 'node:22', role: 'base', pinned: true })).toBe(false);
  });
});

describe('a task is rebuilt without a person', () => {
  it.each<[string, 'Enabled' | 'Disabled', Trigger, boolean]>([
    ['when it and its trigger are enabled', 'Enabled', trigger('Runtime'), true],
    ['not when it is disabled', 'Disabled', trigger('Runtime'), false],
    ['not when its trigger is disabled', 'Enabled', trigger('Runtime', 'Disabled'), false],
    ['not when it has no trigger', 'Enabled', trigger(null), false],
  ])('%s', (_title, status, one, automatic) => expect(rebuildsAutomatically({ status, trigger: one })).toBe(automatic));
});

describe('what is known of the inputs of a task', () => {
  const input = (reference: string, role: InputRole = 'base', platforms = ['linux/amd64']): KnownInput => ({
    reference,
    role,
    platforms,
    pinned: false,
  });
  const scan = (reference: string, position: number, status: 'Known' | 'Unknown' = 'Known') => ({
    status,
    position,
    inputs: status === 'Known' ? [input(reference)] : [],
  });
  const standing = (reference: string, position: number, definitionHash = 'now') => ({
    definitionHash,
    position,
    inputs: [{ reference, role: 'base' as const, platforms: { 'linux/amd64': 'sha256:a' } }],
  });
  const knowledge = (change: Partial<InputKnowledge>): InputKnowledge => ({
    definition: { trigger: trigger('All') } as TaskDefinition,
    definitionHash: 'now',
    scan: null,
    standing: null,
    ...change,
  });
  it.each<[string, Partial<InputKnowledge>, string[] | null]>([
    ['nothing at first', {}, null],
    ['what a scan found', { scan: scan('scanned', 1) }, ['scanned']],
    ['what the standing run used', { standing: standing('used', 1) }, ['used']],
    ['the run, where it is newer than the scan', { scan: scan('scanned', 1), standing: standing('used', 2) }, ['used']],
    [
      'the scan, where it is newer than the run',
      { scan: scan('scanned', 3), standing: standing('used', 2) },
      ['scanned'],
    ],
    [
      'the scan, where the run built another definition',
      { scan: scan('scanned', 1), standing: standing('used', 2, 'before') },
      ['scanned'],
    ],
    ['the run of another definition, until a scan', { standing: standing('used', 2, 'before') }, ['used']],
    [
      'the run, where the scan could name nothing',
      { scan: scan('', 3, 'Unknown'), standing: standing('used', 2) },
      ['used'],
    ],
    ['nothing, where the scan could name nothing', { scan: scan('', 3, 'Unknown') }, null],
  ])('is %s', (_title, change, references) => {
    expect(knownInputs(knowledge(change))?.map(({ reference }) => reference) ?? null).toEqual(references);
  });

  it('is merged over the roles of a reference, with the platforms of each', () => {
    const inputs = [input('node:22'), input('node:22', 'copy', ['linux/amd64', 'linux/arm64']), input('x', 'frontend')];
    const tracked = trackedInputs(knowledge({ scan: { status: 'Known', position: 1, inputs } }));
    expect([...tracked]).toEqual([['node:22', ['linux/amd64', 'linux/arm64']]]);
  });
  it('is not tracked once the task is deleted', () => {
    expect(trackedInputs(knowledge({ definition: null, standing: standing('used', 1) })).size).toBe(0);
  });
});
