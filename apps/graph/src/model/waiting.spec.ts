import { describe, expect, it } from 'vitest';
import { ref, Story } from '../testing/story.js';
import { defaultPatience, evaluate } from './evaluate.js';

/** What is to be done about a task so many milliseconds after the last event. */
const after = (story: Story, name: string, ms: number) =>
  evaluate(story.task(name), story.graph.model.images, story.now + ms);
const { patienceMs, settleMs, settleLimitMs } = defaultPatience;

describe('a task that waits', () => {
  it('is built on what there is after two hours, and not before: nobody waits longer than that', () => {
    const story = new Story().adopt('x', 'v1').create('a', ['x']).build('a', 'r1', 'a1');
    story.create('b', ['x', 'a']).build('b', 'r2', 'b1').adopt('x', 'v2');
    expect(after(story, 'b', patienceMs - 1)).toMatchObject({ kind: 'blocked', reason: 'UpstreamPending', by: ['a'] });
    expect(after(story, 'b', patienceMs)).toMatchObject({ kind: 'due' });
    // Its upstream task has not waited for anybody.
    expect(after(story, 'a', 0)).toMatchObject({ kind: 'due' });
  });

  it('waits anew for what comes next: patience is for one build', () => {
    const story = new Story().adopt('x', 'v1').create('a', ['x']).build('a', 'r1', 'a1');
    story.create('b', ['x', 'a']).build('b', 'r2', 'b1').adopt('x', 'v2').queue('b', 'r3').start('r3');
    story.succeed('b', 'r3', 'b2').adopt('x', 'v3');
    expect(after(story, 'b', patienceMs - 5_000)).toMatchObject({ kind: 'blocked', reason: 'UpstreamPending' });
  });

  it('with one outside root is due at once; with several, when none has moved for two seconds', () => {
    const story = new Story().adopt('x', 'v1').adopt('y', 'v1');
    story.create('one', ['x']).build('one', 'r1', 'o1').create('two', ['x', 'y']).build('two', 'r2', 't1');
    story.adopt('x', 'v2');
    expect(after(story, 'one', 0)).toMatchObject({ kind: 'due' });
    expect(after(story, 'two', settleMs - 1)).toMatchObject({ kind: 'blocked', reason: 'Settling' });
    expect(after(story, 'two', settleMs)).toMatchObject({ kind: 'due' });
  });

  it('waits for roots that move on and on no longer than ten seconds after the first', () => {
    const story = new Story().adopt('x', 'v1').adopt('y', 'v1').create('two', ['x', 'y']).build('two', 'r1', 't1');
    // A second passes between two events: each of these is within the two seconds of the one before.
    for (let moves = 0; moves < settleLimitMs / 1000; moves += 1) story.adopt(moves % 2 ? 'x' : 'y', `v${moves + 2}`);
    expect(after(story, 'two', 0)).toMatchObject({ kind: 'blocked', reason: 'Settling' });
    expect(after(story, 'two', 1_000)).toMatchObject({ kind: 'due' });
  });

  it('stands on two tasks that push one tag, and waits for both', () => {
    const story = new Story().adopt('x', 'v1').adopt('y', 'v1');
    story.create('a', ['x']).build('a', 'r1', 'a1');
    story
      .create('twin', ['y'], { step: { imageNames: [ref('a')] } })
      .queue('twin', 'r2')
      .start('r2');
    story.succeed('twin', 'r2', 'twin1').create('b', ['a']).build('b', 'r3', 'b1');
    expect([...story.task('b').up].map(({ name }) => name).sort()).toEqual(['a', 'twin']);
    story.adopt('y', 'v2');
    expect(story.task('b').pending).toBe(true);
    story.adopt('y', 'v1').adopt('x', 'v2');
    expect(story.task('b').pending).toBe(true);
  });

  it('is due again for a key that it was built for before, when a base goes there and back', () => {
    const story = new Story().adopt('x', 'v1').create('a', ['x']).build('a', 'r1', 'a1').adopt('x', 'v2');
    const there = after(story, 'a', 0);
    story.build('a', 'r2', 'a2').adopt('x', 'v1');
    const back = after(story, 'a', 0);
    expect([there.kind, back.kind]).toEqual(['due', 'due']);
    story.build('a', 'r3', 'a1').adopt('x', 'v2');
    expect(after(story, 'a', 0)).toMatchObject({ kind: 'due', key: there.kind === 'due' ? there.key : '' });
  });

  it('is stale again at once when its base moved while a run that pinned the old digest was building', () => {
    const story = new Story().adopt('x', 'v1').create('a', ['x']).build('a', 'r1', 'a1').adopt('x', 'v2');
    const pinned = story.graph.model.images.get(ref('x'))!.adoptions[0]!.snapshot;
    story.queue('a', 'r2').start('r2').adopt('x', 'v3');
    const used = { reference: ref('x'), role: 'base' as const, via: 'direct' as const };
    story.add('run.succeeded', {
      run: 'r2',
      task: 'a',
      attempt: 1,
      inputs: [{ ...used, digest: pinned.digest, platforms: pinned.platforms }],
      outputs: [],
      sourceRevision: null,
      unchanged: false,
    });
    expect(story.task('a').stale).toBe(true);
    expect(after(story, 'a', 0)).toMatchObject({ kind: 'due' });
  });
});
