import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Proposed, RecordedEvent } from '#libs/event-log';
import { decider } from '#libs/testing';
import { digestOf, reference, snapshotOf } from '../testing/samples.js';
import type { Verdict } from '../policy/verdict.js';
import { historyKept } from './tag-state.js';
import { tagDecider, type TagCommand } from './tag.decider.js';

const adopt: Verdict = { adopt: true, policy: 'acr', anomalies: [] };
const until = '2026-01-02T00:00:00.000Z';
const why = { policy: 'careful', code: 'MinimumAge', reason: 'younger than a day', until } as const;
const hold: Verdict = { adopt: false, ...why, anomalies: [] };
type Observe = Extract<TagCommand, { type: 'observe' }>;

const observe = (found: string | null, more: Partial<Observe> = {}): Observe => ({
  type: 'observe',
  reference,
  found: found === null ? null : snapshotOf(found),
  seenBy: 'Poll',
  hintedAt: null,
  run: null,
  verdict: adopt,
  ...more,
});

const look = { reference, seenBy: 'Poll', hintedAt: null } as const;
const from = (word: string | null) => (word === null ? null : digestOf(word));
const watched = { type: 'tag.watched', data: { reference } } as const;
const unwatched = { type: 'tag.unwatched', data: { reference } } as const;
const moved = (was: string | null, to: string) =>
  ({ type: 'tag.moved', data: { ...look, from: from(was), to: snapshotOf(to) } }) as const;
const adopted = (was: string | null, to: string, run: string | null = null) =>
  ({ type: 'tag.adopted', data: { ...look, from: from(was), to: snapshotOf(to), policy: 'acr', run } }) as const;
const held = (candidate: string, run: string | null = null) =>
  ({
    type: 'tag.held',
    data: { ...look, candidate: snapshotOf(candidate), ...why, run },
  }) as const;
const confirmed = (digest: string | null, run: string) =>
  ({ type: 'tag.confirmed', data: { reference, digest: from(digest), run } }) as const;
const vanished = (was: string | null) => ({ type: 'tag.vanished', data: { ...look, was: from(was) } }) as const;

const { given } = decider(tagDecider, reference);
const nothing: [] = [];

describe('a tag', () => {
  it('is watched once', () => {
    given().when({ type: 'watch', reference }).then(watched);
    given(watched)
      .when({ type: 'watch', reference })
      .then(...nothing);
  });

  it('is unwatched once, and can be watched again', () => {
    given(watched).when({ type: 'unwatch', reference }).then(unwatched);
    given(watched, unwatched)
      .when({ type: 'unwatch', reference })
      .then(...nothing);
    given(watched, unwatched).when({ type: 'watch', reference }).then(watched);
  });

  it('moved and is adopted when the first look finds it', () => {
    given(watched).when(observe('a')).then(moved(null, 'a'), adopted(null, 'a'));
  });

  it('says nothing when a look finds what was known', () => {
    given(watched, moved(null, 'a'), adopted(null, 'a'))
      .when(observe('a'))
      .then(...nothing);
  });

  it('says from where to where it moved', () => {
    given(watched, moved(null, 'a'), adopted(null, 'a')).when(observe('b')).then(moved('a', 'b'), adopted('a', 'b'));
  });

  it('is adopted again when a digest returns that it had before', () => {
    given(watched, moved(null, 'a'), adopted(null, 'a'), moved('a', 'b'), adopted('a', 'b'))
      .when(observe('a'))
      .then(moved('b', 'a'), adopted('b', 'a'));
  });

  it('is held where policy says so, and that is said once for each digest', () => {
    const known = [watched, moved(null, 'a'), adopted(null, 'a')] as const;
    given(...known)
      .when(observe('b', { verdict: hold }))
      .then(moved('a', 'b'), held('b'));
    given(...known, moved('a', 'b'), held('b'))
      .when(observe('b', { verdict: hold }))
      .then(...nothing);
    given(...known, moved('a', 'b'), held('b'))
      .when(observe('c', { verdict: hold }))
      .then(moved('b', 'c'), held('c'));
  });

  it('is adopted without having moved once policy lets a held digest through', () => {
    given(watched, moved(null, 'a'), adopted(null, 'a'), moved('a', 'b'), held('b'))
      .when(observe('b'))
      .then(adopted('a', 'b'));
  });

  it('forgets that a digest was held when another one is adopted', () => {
    given(watched, moved(null, 'a'), held('a'), moved('a', 'b'), adopted(null, 'b'))
      .when(observe('a', { verdict: hold }))
      .then(moved('b', 'a'), held('a'));
  });

  it('vanishes once, and dependants stay on what was adopted', () => {
    const known = [watched, moved(null, 'a'), adopted(null, 'a')] as const;
    given(...known)
      .when(observe(null))
      .then(vanished('a'));
    given(...known, vanished('a'))
      .when(observe(null))
      .then(...nothing);
    expect(given(...known, vanished('a')).state.adopted).toEqual(snapshotOf('a'));
  });

  it('does not vanish when it was never there', () => {
    given(watched)
      .when(observe(null))
      .then(...nothing);
  });

  it('comes back with the same digest: it moved, and nobody has to be rebuilt', () => {
    given(watched, moved(null, 'a'), adopted(null, 'a'), vanished('a')).when(observe('a')).then(moved('a', 'a'));
  });
});

describe('an output of a run', () => {
  const known = [watched, moved(null, 'a'), adopted(null, 'a')] as const;

  it('is adopted in the name of the run when its digest is new', () => {
    given(...known)
      .when(observe('b', { run: 'r1' }))
      .then(moved('a', 'b'), adopted('a', 'b', 'r1'));
  });

  it('is confirmed when it is what was there before', () => {
    given(...known)
      .when(observe('a', { run: 'r1' }))
      .then(confirmed('a', 'r1'));
  });

  it('is held in the name of the run, even when that was said of the digest before', () => {
    given(...known)
      .when(observe('b', { run: 'r1', verdict: hold }))
      .then(moved('a', 'b'), held('b', 'r1'));
    given(...known, moved('a', 'b'), held('b'))
      .when(observe('b', { run: 'r1', verdict: hold }))
      .then(held('b', 'r1'));
  });

  it('is answered when somebody deleted the tag meanwhile', () => {
    given(...known)
      .when(observe(null, { run: 'r1' }))
      .then(vanished('a'), confirmed(null, 'r1'));
    given(watched)
      .when(observe(null, { run: 'r1' }))
      .then(confirmed(null, 'r1'));
  });

  it('is answered exactly once by every look that names the run, whatever was found', () => {
    const word = fc.constantFrom('a', 'b', 'c', null);
    const step = fc.record({ found: word, verdict: fc.constantFrom(adopt, hold), run: fc.constantFrom(null, 'r1') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let state = tagDecider.initialState;
        let sequence = 0;
        for (const { found, verdict, run } of steps) {
          const events = tagDecider.decide(observe(found, { verdict, run }), state) as Proposed[];
          const answers = events.filter(({ data }) => 'run' in data && data.run === 'r1');
          expect(answers).toHaveLength(run ? 1 : 0);
          for (const event of events) {
            sequence += 1;
            state = tagDecider.evolve(state, {
              ...event,
              sequence,
              time: '2026-01-01T00:00:00Z',
            } as RecordedEvent as Parameters<typeof tagDecider.evolve>[1]);
          }
          // What policy let through, and is there, is what dependants have.
          if (found && verdict.adopt) expect(state.adopted?.digest).toBe(digestOf(found));
          expect(state.vanishedAt ? null : (state.current?.digest ?? null)).toBe(found && digestOf(found));
          // The same look again has nothing new to say, but for the answer.
          const again = tagDecider.decide(observe(found, { verdict, run: null }), state);
          expect(again).toEqual([]);
        }
      }),
    );
  });
});

describe('the history of a tag', () => {
  it('is the newest digests first, with when and how they were seen, and ends somewhere', () => {
    const events = Array.from({ length: historyKept + 5 }, (_, index) =>
      moved(index === 0 ? null : `d${index - 1}`, `d${index}`),
    );
    const { history } = given(watched, ...events).state;
    expect(history).toHaveLength(historyKept);
    expect(history[0]).toEqual({
      digest: digestOf(`d${historyKept + 4}`),
      at: new Date(Date.UTC(2026, 0, 1, 0, 0, historyKept + 5)).toISOString(),
      seenBy: 'Poll',
    });
  });

  it('is kept over the time in which nobody watched', () => {
    const { state } = given(watched, moved(null, 'a'), adopted(null, 'a'), unwatched, watched);
    expect(state).toMatchObject({ watched: true, current: { digest: digestOf('a') }, history: [{}] });
  });
});
