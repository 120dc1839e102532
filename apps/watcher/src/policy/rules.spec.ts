import { describe, expect, it } from 'vitest';
import type { Snapshot } from '#libs/contracts';
import { unknownTag, type TagState } from '../tags/tag-state.js';
import { digestOf, snapshotOf } from '../testing/samples.js';
import { TagStory, type StoryOptions } from '../testing/tag-story.js';
import { manyTags } from './anomalies/anomaly.js';

const hour = 3_600_000;

/** A tag that has moved from a to b. */
const moved = (options: StoryOptions, to: Snapshot = snapshotOf('b')): TagStory => {
  const story = new TagStory(options);
  story.look(snapshotOf('a'));
  story.pass(hour);
  story.look(to);
  return story;
};
const lastHeld = (story: TagStory) => {
  const event = story.events.findLast(({ type }) => type === 'tag.held');
  return event?.type === 'tag.held' ? event.data : undefined;
};

describe('the presets', () => {
  it('acr: what a registry serves is used at once', () => {
    expect(moved({ preset: 'acr' }).adopted).toBe(digestOf('b'));
  });

  it('careful: after a day, and says when', () => {
    const story = moved({ preset: 'careful' });
    expect(story.adopted).toBe(digestOf('a'));
    expect(lastHeld(story)).toMatchObject({
      code: 'MinimumAge',
      policy: 'careful',
      reason: 'careful wants a digest to be 1d old.',
      until: '2026-01-02T01:00:00.000Z',
    });
    story.pass(24 * hour);
    expect(story.adopted).toBe(digestOf('b'));
  });

  it('careful: at once where Plinth itself pushes', () => {
    expect(moved({ preset: 'careful', own: true }).adopted).toBe(digestOf('b'));
  });

  it('take the first digest at once: there is nothing to stay on', () => {
    const story = new TagStory({ preset: 'careful' });
    story.look(snapshotOf('a'));
    expect(story.adopted).toBe(digestOf('a'));
  });
});

describe('a policy', () => {
  it('holds every new digest until a person releases it', () => {
    const story = moved({ policy: { hold: true } });
    story.pass(1000 * hour);
    expect(story.adopted).toBe(digestOf('a'));
    expect(lastHeld(story)).toMatchObject({ code: 'HeldByPolicy', until: null, policy: 'tested' });
    story.person({ type: 'release' });
    expect(story.adopted).toBe(digestOf('b'));
  });

  it('adopts nothing that it does not allow, not even the first digest', () => {
    const story = new TagStory({ policy: { allow: ['ghcr.io/*'] } });
    story.look(snapshotOf('a'));
    expect(story.adopted).toBeUndefined();
    expect(lastHeld(story)).toMatchObject({ code: 'NotAllowed', until: null });
    expect(moved({ policy: { allow: ['ghcr.io/*', 'docker.io/library/node'] } }).adopted).toBe(digestOf('b'));
  });

  it('tells when a digest is adopted as the last of its rules says, and never when one will not give way', () => {
    const both = { 'linux/amd64': digestOf('a amd64'), 'linux/arm64': digestOf('new') };
    const half = { ...snapshotOf('half'), platforms: both };
    const wanted = ['linux/amd64', 'linux/arm64'];
    const settling = moved({ policy: { minimumAge: '2h', settle: '1h' }, wanted }, half);
    expect(lastHeld(settling)).toMatchObject({ code: 'Settling', until: '2026-01-01T03:00:00.000Z' });
    const never = moved({ policy: { minimumAge: '2h', hold: true } });
    expect(lastHeld(never)).toMatchObject({ code: 'HeldByPolicy', until: null });
  });
});

describe('what looks odd', () => {
  const hold = { policy: { anomalies: 'Hold' } } as const;
  const created = (word: string, at: string): Snapshot => ({ ...snapshotOf(word), created: at });
  const flip = (options: StoryOptions) => {
    const story = moved(options);
    if (story.adopted !== digestOf('b')) story.person({ type: 'release' });
    story.pass(hour);
    story.look(snapshotOf('a'));
    return story;
  };
  /** So many other tags of the repository that moved just now. */
  const sisters = (count: number): ReadonlyMap<string, TagState> =>
    new Map(
      Array.from({ length: count }, (_, index) => {
        const at = (time: string) => ({ digest: digestOf(time), at: time, seenBy: 'Poll' as const });
        const history = [at('2026-01-01T00:55:00.000Z'), at('2025-12-01T00:00:00.000Z')];
        return [`docker.io/library/node:${index}`, { ...unknownTag, history }];
      }),
    );

  it.each([
    ['SeenBefore', flip, {}],
    [
      'CreatedEarlier',
      (options: StoryOptions) => {
        const story = new TagStory(options);
        story.look(created('a', '2026-01-01T00:00:00.000Z'));
        story.look(created('b', '2025-12-31T00:00:00.000Z'));
        return story;
      },
      {},
    ],
    [
      'PlatformVanished',
      (options: StoryOptions) =>
        moved(
          { ...options, wanted: ['linux/amd64', 'linux/arm64'] },
          {
            ...snapshotOf('b'),
            platforms: { 'linux/amd64': digestOf('b amd64') },
          },
        ),
      { settle: '0s' },
    ],
    ['ManyTags', (options: StoryOptions) => moved({ ...options, sisters: sisters(manyTags) }), {}],
  ] as const)('%s is marked where policy flags, and waits for a person where it holds', (code, story, more) => {
    const flagged = story({ policy: { ...more } });
    expect(flagged.events.at(-1)).toMatchObject({ type: 'tag.adopted', data: { anomalies: [{ code }] } });
    expect(flagged.state.anomalies).toMatchObject([{ code }]);
    const ignored = story({ policy: { ...more, anomalies: 'Ignore' } });
    expect(ignored.state.anomalies).toEqual([]);

    const held = story({ policy: { ...hold.policy, ...more } });
    expect(lastHeld(held)).toMatchObject({ code: 'Anomaly', anomalies: [{ code }], until: null });
    const stays = held.adopted;
    held.pass(1000 * hour);
    expect(held.adopted).toBe(stays);
    held.person({ type: 'release' });
    expect(held.adopted).not.toBe(stays);
    expect(held.state.anomalies).toMatchObject([{ code }]);
  });

  it('is not: as many tags as may move, a digest that was made later, one that only comes back to what is adopted', () => {
    expect(moved({ ...hold, sisters: sisters(manyTags - 1) }).adopted).toBe(digestOf('b'));
    const later = new TagStory(hold);
    later.look(created('a', '2026-01-01T00:00:00.000Z'));
    later.look(created('b', '2026-01-02T00:00:00.000Z'));
    expect(later.adopted).toBe(digestOf('b'));
    const back = moved({ policy: { minimumAge: '24h', anomalies: 'Hold' } });
    back.look(snapshotOf('a'));
    expect(back.state.candidates).toEqual([]);
  });

  it('is nothing that a run of ours pushed: to put an earlier image back is its business', () => {
    const story = moved({ preset: 'careful', own: true });
    story.look(snapshotOf('a'), 'r1');
    expect(story.events.at(-1)).toMatchObject({ type: 'tag.adopted', data: { run: 'r1', to: snapshotOf('a') } });
    expect(story.state.anomalies).toEqual([]);
  });
});
