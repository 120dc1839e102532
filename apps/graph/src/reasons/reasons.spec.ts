import { describe, expect, it } from 'vitest';
import type { Cause } from '#libs/contracts';
import { newImage, newTask } from '../model/nodes.js';
import { detectCauses, explainCause, reasonOf, reasons } from './index.js';
import { familiar, moment, short } from './reason.js';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const moved = (change: Partial<Extract<Cause, { type: 'BaseImageMoved' }>> = {}): Cause => ({
  type: 'BaseImageMoved',
  reference: 'docker.io/library/node:22',
  from: digest('a'),
  to: digest('b'),
  seenBy: 'Webhook',
  adoptedAt: '2026-11-23T14:03:07.125Z',
  position: 7,
  run: null,
  ...change,
});

describe('the sentence of a reason', () => {
  const start = 'node:22 moved aaaaaaaaaaaa → bbbbbbbbbbbb at 14:03:07 UTC on 2026-11-23';
  it.each<[string, Cause]>([
    [`${start}, the registry told us`, moved()],
    [`${start}, found by polling`, moved({ seenBy: 'Poll' })],
    [`${start}, pushed by us`, moved({ seenBy: 'Push' })],
    [`${start}, found when a person asked`, moved({ seenBy: 'Request' })],
    [`${start}, found when watching began`, moved({ seenBy: 'Watch' })],
    [`${start}, pushed by run c4f2`, moved({ seenBy: 'Push', run: 'c4f2' })],
    [
      'what the task builds was changed, definition 01234567 → 89abcdef',
      { type: 'DefinitionChanged', from: '0123456789', to: '89abcdef01', position: 3 },
    ],
    ['ada started it by hand at 09:00:00 UTC on 2026-11-23', { type: 'Manual', by: 'ada', at: '2026-11-23T09:00:00Z' }],
  ])('%s', (sentence, cause) => {
    expect(explainCause(cause)).toBe(sentence);
    expect(reasonOf(cause).type).toBe(cause.type);
  });
  it('has a code that no other reason has', () => {
    expect(new Set(reasons.map(({ code }) => code)).size).toBe(reasons.length);
  });
});

describe('what people read', () => {
  it.each([
    ['docker.io/library/node:22', 'node:22'],
    ['docker.io/grafana/grafana:12', 'grafana/grafana:12'],
    ['ghcr.io/acme/app:1', 'ghcr.io/acme/app:1'],
  ])('%s is shown as %s', (reference, shown) => expect(familiar(reference)).toBe(shown));
  it('a digest is as long as people compare', () => expect(short(digest('c'))).toBe('c'.repeat(12)));
  it('a moment is in UTC, to the second', () => {
    expect(moment('2026-01-02T03:04:05.678Z')).toBe('03:04:05 UTC on 2026-01-02');
  });
});

describe('the causes of a stale task', () => {
  const stale = () => {
    const task = newTask('app');
    const image = newImage('docker.io/library/node:22');
    const snapshot = { digest: digest('b'), mediaType: 'm', platforms: { 'linux/amd64': digest('d') } };
    image.adoptions = [{ snapshot, position: 7, at: 1_000, seenBy: 'Poll', hintedAt: null, run: 'r9' }];
    task.tracked = new Map([[image.reference, ['linux/amd64']]]);
    const used = {
      role: 'base',
      via: 'direct',
      digest: digest('a'),
      platforms: { 'linux/amd64': digest('c') },
    } as const;
    task.standing = {
      run: 'r1',
      definitionHash: 'old',
      position: 2,
      outputs: [],
      sourceRevision: null,
      inputs: [{ reference: image.reference, ...used }],
    };
    return { task, images: new Map([[image.reference, image]]) };
  };

  it('name the input that moved, from what to what, and who pushed it', () => {
    const { task, images } = stale();
    expect(detectCauses(task, images)).toEqual([
      moved({ seenBy: 'Poll', adoptedAt: '1970-01-01T00:00:01.000Z', run: 'r9' }),
    ]);
  });
  it('are nothing when the platforms of the task did not move', () => {
    const { task, images } = stale();
    const [input] = task.standing!.inputs;
    const same = { ...input!, platforms: { 'linux/amd64': digest('d') } };
    expect(detectCauses({ ...task, standing: { ...task.standing!, inputs: [same] } }, images)).toEqual([]);
  });
  it('name the changed definition besides', () => {
    const { task, images } = stale();
    Object.assign(task, { definition: {}, definitionHash: 'new', definedAt: 5 });
    expect(detectCauses(task, images).map(({ type }) => type)).toEqual(['BaseImageMoved', 'DefinitionChanged']);
  });
});
