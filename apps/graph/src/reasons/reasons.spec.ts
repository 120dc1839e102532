import { describe, expect, it } from 'vitest';
import type { Cause } from '#libs/contracts';
import { digestOf, ref, Story } from '../testing/story.js';
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
  /** Built on node, which moved since. */
  const story = () => new Story().adopt('node', 'n1').create('app', ['node']).build('app', 'r1', 'a1');
  const causes = (one: Story) => detectCauses(one.task('app'), one.graph.model.images);

  it('name the input that moved, from what to what, and who pushed it', () => {
    const one = story().adopt('node', 'n2', 'Poll', 'r9');
    expect(causes(one)).toEqual([
      {
        type: 'BaseImageMoved',
        reference: ref('node'),
        from: digestOf('n1'),
        to: digestOf('n2'),
        seenBy: 'Poll',
        adoptedAt: new Date(one.now).toISOString(),
        position: expect.any(Number),
        run: 'r9',
      },
    ]);
  });
  it('are nothing when the platforms of the task did not move', () => {
    const one = story();
    const { snapshot } = one.graph.model.image(ref('node')).adoptions[0]!;
    const to = { ...snapshot, digest: digestOf('another index of the same') };
    const look = { reference: ref('node'), seenBy: 'Poll', hintedAt: null, from: snapshot.digest } as const;
    one.add('tag.adopted', { ...look, to, policy: 'acr', run: null });
    expect(causes(one)).toEqual([]);
  });
  it('name the changed definition besides', () => {
    const one = story()
      .adopt('node', 'n2')
      .update('app', { step: { target: 'other' } });
    expect(causes(one).map(({ type }) => type)).toEqual(['BaseImageMoved', 'DefinitionChanged']);
  });
});
