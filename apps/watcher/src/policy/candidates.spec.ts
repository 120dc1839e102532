import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '#libs/contracts';
import { candidatesKept } from '../tags/tag-state.js';
import { digestOf, snapshotOf } from '../testing/samples.js';
import { TagStory } from '../testing/tag-story.js';

const hour = 3_600_000;
const day = 24 * hour;
const aged = () => new TagStory({ policy: { minimumAge: '24h', settle: '0s' } });

describe('a digest that must have an age', () => {
  it('is adopted when it has it, to the millisecond, and not before', () => {
    const story = aged();
    story.look(snapshotOf('a'));
    story.pass(hour);
    story.look(snapshotOf('b'));
    story.pass(day - 1);
    expect(story.reconsider()).toEqual([]);
    story.pass(1);
    expect(story.adopted).toBe(digestOf('b'));
    expect(story.told).toEqual([
      'tag.watched',
      'tag.moved',
      'tag.adopted',
      'tag.moved',
      'tag.held MinimumAge',
      'tag.adopted',
    ]);
  });

  it('goes on ageing when it is replaced: a tag that moves faster is adopted all the same', () => {
    const story = aged();
    story.look(snapshotOf('a'));
    for (let moves = 1; moves <= 30; moves++) {
      story.look(snapshotOf(`d${moves}`));
      story.pass(hour);
    }
    // After thirty hours, the newest one that is a day old.
    expect(story.adopted).toBe(digestOf('d7'));
    expect(story.state.candidates.map(({ snapshot }) => snapshot.digest)).toEqual(
      Array.from({ length: 23 }, (_, index) => digestOf(`d${index + 8}`)),
    );
  });

  it('is not adopted once the tag has gone back behind it', () => {
    const story = aged();
    story.look(snapshotOf('a'));
    story.look(snapshotOf('b'));
    story.pass(hour);
    story.look(snapshotOf('c'));
    story.pass(hour);
    // b is put back: c was taken back, and b has the age that it had.
    story.look(snapshotOf('b'));
    expect(story.state.candidates).toMatchObject([{ snapshot: snapshotOf('b'), replacedAt: null }]);
    story.pass(22 * hour);
    expect(story.adopted).toBe(digestOf('b'));
    expect(story.state.candidates).toEqual([]);
    story.look(snapshotOf('d'));
    story.pass(hour);
    story.look(snapshotOf('b'));
    expect(story.state.candidates).toEqual([]);
    story.pass(10 * day);
    expect(story.adopted).toBe(digestOf('b'));
  });

  it('waits while the tag is gone, and is adopted when it is back', () => {
    const story = aged();
    story.look(snapshotOf('a'));
    story.look(snapshotOf('b'));
    story.look(null);
    story.pass(2 * day);
    expect(story.adopted).toBe(digestOf('a'));
    story.look(snapshotOf('b'));
    expect(story.adopted).toBe(digestOf('b'));
  });

  it('is the newest that is old enough at every moment, as a list of all moves tells', () => {
    const minute = 60_000;
    const step = fc.record({ wait: fc.integer({ min: 0, max: 600 }), moves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: candidatesKept - 1 }), (steps) => {
        const story = new TagStory({ policy: { minimumAge: '300m', settle: '0s' } });
        story.look(snapshotOf('first'));
        const moves: { digest: string; at: number }[] = [{ digest: digestOf('first'), at: -Infinity }];
        steps.forEach(({ wait, moves: isMove }, index) => {
          story.pass(wait * minute);
          if (isMove) {
            story.look(snapshotOf(`m${index}`));
            moves.push({ digest: digestOf(`m${index}`), at: story.now });
          }
          const oldEnough = moves.findLast(({ at }) => story.now - at >= 300 * minute);
          expect(story.adopted).toBe(oldEnough?.digest);
          expect(story.replayed()).toEqual(story.state);
        });
      }),
    );
  });

  it('is adopted late at worst, not never, when more move than are kept', () => {
    const story = aged();
    story.look(snapshotOf('a'));
    for (let minute = 0; minute < 2 * 24 * 60; minute += 5) {
      story.look(snapshotOf(`m${minute}`));
      story.pass(5 * 60_000);
    }
    expect(story.state.candidates.length).toBeLessThanOrEqual(candidatesKept);
    const { adopted } = story.state;
    const seen = story.events.find((event) => event.type === 'tag.moved' && event.data.to.digest === adopted?.digest);
    const age = story.now - Date.parse(seen!.time);
    expect(age).toBeGreaterThanOrEqual(day);
    expect(age).toBeLessThan(day + 4 * hour);
  });
});

describe('an index that is published piece by piece', () => {
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x'];
  /** An index whose children are of these versions; none for a platform that is not there yet. */
  const index = (versions: Readonly<Record<string, number>>): Snapshot => ({
    ...snapshotOf(JSON.stringify(versions)),
    platforms: Object.fromEntries(Object.entries(versions).map(([name, n]) => [name, digestOf(`${name} ${n}`)])),
  });
  const wanted = ['linux/amd64', 'linux/arm64'];
  const adoptions = (story: TagStory) => story.events.filter(({ type }) => type === 'tag.adopted').length;
  /** What a task sees: the platforms that it builds. */
  const seen = (snapshot: Snapshot | null | undefined) => wanted.map((platform) => snapshot?.platforms[platform]);

  it('is adopted once, when every platform that dependants build has moved', () => {
    const story = new TagStory({ wanted, policy: { settle: '10m' } });
    story.look(index({ 'linux/amd64': 1, 'linux/arm64': 1, 'linux/s390x': 1 }));
    for (const versions of [
      {} as Record<string, number>,
      { 'linux/amd64': 2 },
      { 'linux/amd64': 2, 'linux/s390x': 2 },
      { 'linux/amd64': 2, 'linux/s390x': 2, 'linux/arm64': 2 },
    ]) {
      story.pass(60_000);
      story.look(index(versions));
    }
    expect(adoptions(story)).toBe(2);
    expect(story.told.filter((one) => one.startsWith('tag.held'))).toEqual([
      'tag.held PlatformMissing',
      'tag.held Settling',
      'tag.held Settling',
    ]);
    expect(story.state.adopted?.platforms['linux/arm64']).toBe(digestOf('linux/arm64 2'));
  });

  it('is adopted when nothing has changed for a time, where a platform stays away', () => {
    const story = new TagStory({ wanted, policy: { settle: '10m' } });
    story.look(index({ 'linux/amd64': 1, 'linux/arm64': 1 }));
    story.look(index({ 'linux/amd64': 2 }));
    story.pass(599_000);
    expect(adoptions(story)).toBe(1);
    expect(story.policies.missingPlatforms(story.state)).toEqual(['linux/arm64']);
    story.pass(1000);
    expect(adoptions(story)).toBe(2);
  });

  it('that was replaced before it had settled is not adopted when it is old enough', () => {
    const story = new TagStory({ wanted, policy: { settle: '10m', minimumAge: '60m' } });
    const minute = 60_000;
    story.look(index({ 'linux/amd64': 1, 'linux/arm64': 1 }));
    story.look(index({ 'linux/amd64': 2, 'linux/arm64': 1 }));
    story.pass(5 * minute);
    story.look(index({ 'linux/amd64': 3, 'linux/arm64': 1 }));
    story.pass(59 * minute);
    story.reconsider();
    expect(story.state.adopted?.platforms['linux/amd64']).toBe(digestOf('linux/amd64 1'));
    // This one was there for longer than the settling time: it is whole, as far as anybody can tell.
    story.look(index({ 'linux/amd64': 4, 'linux/arm64': 1 }));
    story.pass(minute);
    expect(story.state.adopted?.platforms['linux/amd64']).toBe(digestOf('linux/amd64 3'));
  });

  it('is not waited for beyond a limit when it never rests', () => {
    const story = new TagStory({ wanted, policy: { settle: '10m' } });
    story.look(index({ 'linux/amd64': 1, 'linux/arm64': 1 }));
    for (let version = 2; version < 40; version++) {
      story.look(index({ 'linux/amd64': version, 'linux/arm64': 1 }));
      story.pass(590_000);
    }
    expect(adoptions(story)).toBeGreaterThan(1);
  });

  it('changes nothing for dependants when a platform comes or moves that nobody uses', () => {
    const story = new TagStory({ wanted: ['linux/amd64'] });
    story.look(index({ 'linux/amd64': 1, 'linux/arm64': 1 }));
    const before = story.state.adopted?.platforms['linux/amd64'];
    story.look(index({ 'linux/amd64': 1, 'linux/arm64': 2, 'linux/s390x': 1 }));
    expect(story.state.adopted?.platforms['linux/amd64']).toBe(before);
    expect(story.state.candidates).toEqual([]);
  });

  it('triggers dependants once, in whatever order its platforms come, and at last always', () => {
    const order = fc.shuffledSubarray(platforms, { minLength: 3 });
    const pauses = fc.array(fc.integer({ min: 1, max: 599 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(order, pauses, fc.boolean(), (come, wait, keepsOld) => {
        const story = new TagStory({ wanted, policy: { settle: '10m' } });
        const old = { 'linux/amd64': 1, 'linux/arm64': 1, 'linux/s390x': 1 };
        story.look(index(old));
        const first = seen(story.state.adopted);
        // Official images begin with an empty index; others replace one child after the other.
        let versions: Record<string, number> = keepsOld ? { ...old } : {};
        const changes = new Set<string>();
        const steps = [versions, ...come.map((platform) => (versions = { ...versions, [platform]: 2 }))];
        steps.forEach((step, at) => {
          story.look(index(step));
          changes.add(JSON.stringify(seen(story.state.adopted)));
          story.pass((wait[at] ?? 1) * 1000);
          changes.add(JSON.stringify(seen(story.state.adopted)));
        });
        story.pass(600_000);
        changes.add(JSON.stringify(seen(story.state.adopted)));
        const last = wanted.map((platform) => digestOf(`${platform} 2`));
        // Nobody ever saw anything but the whole of before and the whole of after.
        expect([...changes]).toEqual([JSON.stringify(first), JSON.stringify(last)]);
      }),
    );
  });
});
