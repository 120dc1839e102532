import { describe, expect, it } from 'vitest';
import { decider } from '#libs/testing';
import { digestOf, ref, Story } from '../testing/story.js';
import type { Wave } from './wave-book.js';
import { waveDecider } from './wave.decider.js';

/** X → A → B → C and X → C: the foot of an uneven diamond. */
const diamond = () => {
  const story = new Story();
  const on: [string, string[]][] = [
    ['a', ['x']],
    ['b', ['a']],
    ['c', ['b', 'x']],
  ];
  story.create('watcher', ['a', 'b']).create('probe', ['x']).adopt('x', 'x1');
  for (const [name, inputs] of on) {
    story.create(name, inputs).build(name, `first-${name}`, `${name}1`);
  }
  return story;
};
const waveOf = (story: Story): Wave => {
  const [wave] = story.graph.waves.waves.values();
  if (!wave) throw new Error('no wave');
  return wave;
};
const statuses = (wave: Wave) => Object.fromEntries([...wave.members].map(([task, { status }]) => [task, status]));

describe('a wave', () => {
  it('is what one move makes stale or pending, with the longest way to each', () => {
    const story = diamond().adopt('x', 'x2', 'Poll');
    const wave = waveOf(story);
    expect(wave).toMatchObject({
      reference: ref('x'),
      from: digestOf('x1'),
      to: digestOf('x2'),
      seenBy: 'Poll',
      depth: 3,
    });
    expect(Object.fromEntries([...wave.members.values()].map(({ task, level }) => [task, level]))).toEqual({
      a: 1,
      b: 2,
      c: 3,
    });
    expect([...story.task('c').waves]).toEqual([wave.id]);
  });

  it('is none when an image is seen for the first time, or when nobody stands on what moved', () => {
    const story = new Story().create('a', ['x']).adopt('x', 'x1').adopt('lonely', 'l1').adopt('lonely', 'l2');
    expect([...story.graph.waves.waves]).toEqual([]);
  });

  it('closes when each of its tasks is done, and takes what its own runs push as its own', () => {
    const story = diamond().adopt('x', 'x2');
    const wave = waveOf(story);
    story.queue('a', 'r1').start('r1');
    expect(statuses(wave)).toEqual({ a: 'Running', b: 'Waiting', c: 'Waiting' });
    story.succeed('a', 'r1', 'a2').adopt('a', 'a2', 'Push', 'r1');
    story.build('b', 'r2', 'b2');
    expect(wave.closedAt).toBeNull();
    story.build('c', 'r3', 'c2');
    expect(story.graph.waves.waves.size).toBe(1);
    expect(statuses(wave)).toEqual({ a: 'Built', b: 'Built', c: 'Built' });
    expect(wave.closedAt).toBe(new Date(story.now).toISOString());
    expect([...story.task('c').waves]).toEqual([]);
  });

  it('ends early where a rebuild gave what was there before', () => {
    const story = diamond().adopt('x', 'x2');
    const wave = waveOf(story);
    story.queue('a', 'r1').start('r1').succeed('a', 'r1', 'a1', true);
    story.add('tag.confirmed', { reference: ref('a'), digest: digestOf('a1'), run: 'r1' });
    // b has nothing to do any more; c still has, for x itself.
    expect(statuses(wave)).toEqual({ a: 'Unchanged', b: 'Settled', c: 'Waiting' });
    story.build('c', 'r2', 'c2');
    expect(wave.closedAt).not.toBeNull();
  });

  it('waits for nobody who is disabled, and says how many were excused', () => {
    const story = diamond().adopt('x', 'x2');
    const wave = waveOf(story);
    story.update('a', { status: 'Disabled' });
    expect(statuses(wave)).toMatchObject({ a: 'Excused', b: 'Settled' });
    story.build('c', 'r2', 'c2');
    expect(wave.closedAt).not.toBeNull();
  });

  it('counts a task whose circuit opened as failed, and a later success as built', () => {
    const story = diamond().adopt('x', 'x2');
    const wave = waveOf(story);
    const failing = (run: string) => story.queue('a', run, 1).start(run).fail('a', run);
    failing('r1');
    expect(statuses(wave)['a']).toBe('Failed');
    story.queue('a', 'r2').start('r2');
    expect(statuses(wave)['a']).toBe('Running');
    story.succeed('a', 'r2', 'a2');
    expect(statuses(wave)['a']).toBe('Built');
  });

  it('leaves memory when its end is in the log, and stays in the database', () => {
    const story = new Story().create('a', ['x']).adopt('x', 'x1').build('a', 'r1', 'a1').adopt('x', 'x2');
    const { id } = waveOf(story);
    const data = {
      reference: ref('x'),
      from: digestOf('x1'),
      to: digestOf('x2'),
      seenBy: 'Poll' as const,
      hintedAt: null,
    };
    story.add('wave.opened', { wave: id, ...data, position: 1, tasks: 1, depth: 1 });
    story.build('a', 'r2', 'a2');
    story.add('wave.closed', { wave: id, built: 1, restored: 0, rebased: 0, unchanged: 0, unfinished: [] });
    expect(story.graph.waves.waves.size).toBe(0);
    const row = story.db.prepare('SELECT open, facts FROM graph_wave WHERE id = ?').get(id) as {
      open: number;
      facts: string;
    };
    expect(row.open).toBe(0);
    expect(JSON.parse(row.facts)).toMatchObject({ announced: true, closeAnnounced: true, remaining: 0 });
  });
});

describe('what is said of a wave', () => {
  const wave = (): Wave => waveOf(diamond().adopt('x', 'x2'));
  const opened = (of: Wave) => ({
    type: 'wave.opened' as const,
    data: {
      wave: of.id,
      reference: ref('x'),
      from: digestOf('x1'),
      to: digestOf('x2'),
      seenBy: 'Webhook' as const,
      hintedAt: null,
      position: of.position,
      tasks: 3,
      depth: 3,
    },
  });
  const { given } = decider(waveDecider, 'w');

  it('is that it opened, once', () => {
    const one = wave();
    given().when({ type: 'open', wave: one }).then(opened(one));
    given(opened(one)).when({ type: 'open', wave: one }).then();
  });

  it('is how it ended, once, with who is left and why', () => {
    const one = wave();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => one.members.get(name)!);
    a!.status = 'Built';
    b!.status = 'Failed';
    c!.status = 'Excused';
    const closed = {
      type: 'wave.closed' as const,
      data: {
        wave: one.id,
        built: 1,
        restored: 0,
        rebased: 0,
        unchanged: 0,
        unfinished: [
          { reason: 'Failed', tasks: 1 },
          { reason: 'Excused', tasks: 1 },
        ],
      },
    };
    given(opened(one)).when({ type: 'close', wave: one }).then(closed);
    given(opened(one), closed).when({ type: 'close', wave: one }).then();
  });
});
