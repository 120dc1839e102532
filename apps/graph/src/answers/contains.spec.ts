import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, ref, snapshotOf, Story } from '../testing/story.js';
import { containing, containsText } from './contains.js';

/** node → base → app; all built once. */
const built = () =>
  new Story()
    .create('base', ['node'])
    .adopt('node', 'n1')
    .build('base', 'r1', 'b1')
    .create('app', ['base'])
    .adopt('base', 'b1', 'Watch')
    .build('app', 'r2', 'a1');

const look = (name: string) => ({ reference: ref(name), seenBy: 'Poll', hintedAt: null }) as const;
const found = (story: Story, text: string) =>
  containing(story.graph.pushes, digestOf(text)).map(({ run, depth, standing }) => ({ run, depth, standing }));

describe('which images stand on a digest', () => {
  it('are those that were built on it, and on what was built on it', () => {
    expect(containing(built().graph.pushes, digestOf('n1'))).toEqual([
      {
        reference: ref('base'),
        digest: digestOf('b1'),
        run: 'r1',
        task: 'base',
        builtAt: '2026-11-23T14:00:06.000Z',
        depth: 1,
        through: digestOf('n1'),
        standing: true,
      },
      expect.objectContaining({ reference: ref('app'), digest: digestOf('a1'), depth: 2, through: digestOf('b1') }),
    ]);
    expect(found(built(), 'a1')).toEqual([]);
  });

  it('is asked by the digest of a platform as well', () => {
    expect(found(built(), 'n1!').map(({ run }) => run)).toEqual(['r1', 'r2']);
  });

  it('no longer stand on it when they were built anew, and what was built on them still does', () => {
    const story = built().adopt('node', 'n2').build('base', 'r3', 'b2');
    expect(found(story, 'n1')).toEqual([
      { run: 'r1', depth: 1, standing: false },
      { run: 'r2', depth: 2, standing: true },
    ]);
    expect(found(story, 'n2')).toEqual([{ run: 'r3', depth: 1, standing: true }]);
  });

  it('no longer stand on it when somebody else moved their tag, or it is gone; and again when it comes back', () => {
    const story = built();
    const standing = () => found(story, 'b1')[0]?.standing;
    story.add('tag.moved', { ...look('app'), from: digestOf('a1'), to: snapshotOf('foreign') });
    expect(standing()).toBe(false);
    story.add('tag.moved', { ...look('app'), from: digestOf('foreign'), to: snapshotOf('a1') });
    expect(standing()).toBe(true);
    story.add('tag.vanished', { ...look('app'), was: digestOf('a1') });
    expect(standing()).toBe(false);
  });

  it('outlive their task', () => {
    const story = built();
    story.add('task.deleted', { task: 'app', by: 'ada' });
    expect(found(story, 'b1')).toEqual([{ run: 'r2', depth: 1, standing: true }]);
  });

  it('are found through a loop, once', () => {
    const story = new Story().create('a', ['a']).adopt('a', 'x').build('a', 'r1', 'y').build('a', 'r2', 'x');
    expect(found(story, 'x').map(({ run }) => run)).toEqual(['r1', 'r2']);
  });

  it('are those of the transitive closure, whatever was built on what', () => {
    // Run number n pushes image n, built on some of the images before it; image 0 is nobody's.
    const builds = fc.array(fc.array(fc.nat(30), { maxLength: 3 }), { minLength: 1, maxLength: 14 });
    fc.assert(
      fc.property(builds, (parents) => {
        const story = new Story();
        const on = parents.map((some, at) => [...new Set(some.map((one) => one % (at + 1)))]);
        const known = new Set<number>([0]);
        on.forEach((some, at) => {
          const name = `t${at + 1}`;
          for (const one of some) story.adopt(`t${one}`, `i${one}`);
          story
            .create(
              name,
              some.map((one) => `t${one}`),
            )
            .build(name, `r${at + 1}`, `i${at + 1}`);
        });
        for (let round = 0; round <= on.length; round += 1) {
          on.forEach((some, at) => {
            if (some.some((one) => known.has(one))) known.add(at + 1);
          });
        }
        known.delete(0);
        const runs = found(story, 'i0').map(({ run }) => Number(run.slice(1)));
        expect(new Set(runs)).toEqual(known);
        expect(runs).toHaveLength(known.size);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the sentence about a digest', () => {
  const digest = digestOf('n1');
  const short = digest.slice(7, 19);
  it('says how many there were and how many there are', () => {
    const text = (standing: number, ever: number, references: string[] = []) =>
      containsText(digest, references, { standing, ever });
    expect(text(0, 0)).toBe(`No image that Plinth built was built on ${short}.`);
    expect(text(1, 1, ['docker.io/library/node:22'])).toBe(
      `1 image was built on ${short} (node:22); 1 still stands on it.`,
    );
    expect(text(0, 3)).toBe(`3 images were built on ${short}; none still stands on it.`);
    expect(text(2, 3)).toBe(`3 images were built on ${short}; 2 still stand on it.`);
  });
});
