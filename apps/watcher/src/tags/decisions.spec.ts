import { describe, expect, it } from 'vitest';
import { digestOf, snapshotOf } from '../testing/samples.js';
import { TagStory } from '../testing/tag-story.js';

const [a, b, c] = ['a', 'b', 'c'].map(snapshotOf) as [
  ReturnType<typeof snapshotOf>,
  ...ReturnType<typeof snapshotOf>[],
];
const by = { by: 'ann', reason: 'a test' };
/** A tag that was at a and is at b, both adopted. */
const moved = (): TagStory => {
  const story = new TagStory();
  story.look(a);
  story.look(b!);
  return story;
};
const refused = (code = 'FAILED_PRECONDITION', words = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(words) }) as Error;

describe('a hold by hand', () => {
  it('keeps dependants where they are until it is released, with who and why', () => {
    const story = moved();
    story.person({ type: 'hold' });
    story.look(c!);
    expect(story.adopted).toBe(digestOf('b'));
    expect(story.events.at(-1)).toMatchObject({
      type: 'tag.held',
      data: { code: 'HeldByHand', reason: 'ann holds the image: a test' },
    });
    const released = story.person({ type: 'release', urgent: true });
    expect(released).toMatchObject([
      { type: 'tag.released', data: { ...by, digest: digestOf('c'), urgent: true } },
      { type: 'tag.adopted', data: { ...by, from: digestOf('b'), to: c, policy: 'released by hand', urgent: true } },
    ]);
    story.look(snapshotOf('d'));
    expect(story.adopted).toBe(digestOf('d'));
  });

  it('is placed once, and is released also when nothing came meanwhile', () => {
    const story = moved();
    story.person({ type: 'hold' });
    expect(() => story.person({ type: 'hold' })).toThrow(
      refused('FAILED_PRECONDITION', /held already, by ann: a test/),
    );
    expect(story.person({ type: 'release' })).toMatchObject([{ type: 'tag.released', data: { digest: null } }]);
    expect(() => story.person({ type: 'release' })).toThrow(refused('FAILED_PRECONDITION', /Nothing of .* is held/));
  });

  it('is answered to the run that pushed: exactly one answer, held', () => {
    const story = moved();
    story.person({ type: 'hold' });
    expect(story.look(c!, 'r1').filter(({ data }) => 'run' in data && data.run === 'r1')).toMatchObject([
      { type: 'tag.held' },
    ]);
    expect(story.look(c!, 'r2')).toMatchObject([{ type: 'tag.held', data: { run: 'r2' } }]);
    // What releases it answers nobody again.
    expect(story.person({ type: 'release' }).at(-1)).toMatchObject({ type: 'tag.adopted', data: { run: null } });
    expect(story.look(c!, 'r3')).toMatchObject([{ type: 'tag.confirmed', data: { run: 'r3' } }]);
  });

  it('lets the digest go that is named, and leaves those after it waiting', () => {
    const story = new TagStory({ policy: { hold: true } });
    for (const word of ['a', 'b', 'c']) story.look(snapshotOf(word));
    story.person({ type: 'release', digest: digestOf('b') });
    expect(story.adopted).toBe(digestOf('b'));
    expect(story.state.candidates.map(({ snapshot }) => snapshot.digest)).toEqual([digestOf('c')]);
    expect(() => story.person({ type: 'release', digest: digestOf('z') })).toThrow(refused());
  });
});

describe('a pin', () => {
  it('keeps dependants on a digest whatever the tag names, until it is taken away', () => {
    const story = moved();
    expect(story.pin(a)).toMatchObject([
      { type: 'tag.pinned', data: { ...by, to: a } },
      { type: 'tag.adopted', data: { from: digestOf('b'), to: a, policy: 'pinned by hand' } },
    ]);
    story.look(c!);
    story.reconsider();
    expect(story.adopted).toBe(digestOf('a'));
    expect(() => story.person({ type: 'release' })).toThrow(refused('FAILED_PRECONDITION', /is pinned/));
    story.person({ type: 'unpin' });
    story.reconsider();
    expect(story.adopted).toBe(digestOf('c'));
    expect(() => story.person({ type: 'unpin' })).toThrow(refused('FAILED_PRECONDITION', /is not pinned/));
  });

  it('to what is adopted moves nobody, and to a digest that the tag never had goes there', () => {
    const story = moved();
    expect(story.pin(b!)).toMatchObject([{ type: 'tag.pinned' }]);
    expect(() => story.pin(b!)).toThrow(refused('FAILED_PRECONDITION', /pinned to .* already/));
    story.pin(snapshotOf('elsewhere'));
    expect(story.adopted).toBe(digestOf('elsewhere'));
  });
});

describe('a rollback', () => {
  it('goes to the digest before, and does not adopt again what it left', () => {
    const story = moved();
    expect(story.person({ type: 'rollback' })).toMatchObject([
      { type: 'tag.rolled-back', data: { ...by, from: digestOf('b'), to: a } },
      { type: 'tag.adopted', data: { from: digestOf('b'), to: a, policy: 'rolled back by hand' } },
    ]);
    story.look(b!);
    story.reconsider();
    expect(story.adopted).toBe(digestOf('a'));
    expect(story.told.at(-1)).toBe('tag.held RolledBack');
    // What comes next is another digest, and policy decides.
    story.look(c!);
    expect(story.adopted).toBe(digestOf('c'));
    // The tag goes back to what was left: still not adopted, until a person says so.
    story.look(b!);
    expect(story.adopted).toBe(digestOf('c'));
    story.person({ type: 'release' });
    expect(story.adopted).toBe(digestOf('b'));
    expect(story.state.rolledBack).toEqual([]);
  });

  it('goes further back each time, never to what was left, and ends somewhere', () => {
    const story = moved();
    story.look(c!);
    story.person({ type: 'rollback' });
    expect(story.adopted).toBe(digestOf('b'));
    story.person({ type: 'rollback' });
    expect(story.adopted).toBe(digestOf('a'));
    expect(() => story.person({ type: 'rollback' })).toThrow(refused('FAILED_PRECONDITION', /no other digest/));
  });

  it('is refused where a pin says what dependants get', () => {
    const story = moved();
    story.pin(b!);
    expect(() => story.person({ type: 'rollback' })).toThrow(refused('FAILED_PRECONDITION', /is pinned/));
  });
});

describe('what a person decided', () => {
  it('outlives the last task that tracks the image, and a replay of the log', () => {
    const story = moved();
    story.pin(a);
    story.do({ type: 'unwatch', reference: story.state.reference });
    expect(story.replayed()).toEqual(story.state);
    expect(story.state).toMatchObject({ watched: false, pinned: { digest: digestOf('a'), ...by } });
  });
});
