import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ref, Story } from '../testing/story.js';
import { impactOf, impactText } from './impact.js';

const one = new Map([['default', 1]]);

/** X → A → B → C with X → C, the uneven diamond; each is built once, in a second. */
const diamond = () =>
  new Story()
    .adopt('x', 'x1')
    .create('a', ['x'])
    .build('a', 'r1', 'a1')
    .create('b', ['a'])
    .adopt('a', 'a1', 'Watch')
    .build('b', 'r2', 'b1')
    .create('c', ['b', 'x'])
    .adopt('b', 'b1', 'Watch')
    .build('c', 'r3', 'c1');

const off = { name: 'x', baseImageTriggerType: 'Runtime' as const, status: 'Disabled' as const };
const impact = (story: Story, slots: ReadonlyMap<string, number> = one) =>
  impactOf(story.graph.model, [ref('x')], slots);
const text = (story: Story, slots: ReadonlyMap<string, number> = one) =>
  impactText([ref('x')], impact(story, slots), slots);

describe('what would happen if an image moved', () => {
  it('is every task that stands on it, once and in order', () => {
    expect(impact(diamond())).toEqual({
      builds: 3,
      depth: 3,
      held: 0,
      seconds: 3,
      tasks: [
        expect.objectContaining({ task: 'a', level: 1, through: [ref('x')], usualSeconds: 1, startsAfterSeconds: 0 }),
        expect.objectContaining({ task: 'b', level: 2, through: [ref('a')], startsAfterSeconds: 1 }),
        expect.objectContaining({ task: 'c', level: 3, through: [ref('x'), ref('b')], startsAfterSeconds: 2 }),
      ],
    });
    expect(text(diamond())).toBe(
      `If ${ref('x')} moved now, 3 tasks would be rebuilt, each once, on 3 levels, in about 3 seconds with 1 slot.`,
    );
  });

  it('is nothing for an image that nobody uses', () => {
    expect(impactText(['docker.io/library/node:22'], impactOf(diamond().graph.model, ['none'], one), one)).toBe(
      'If node:22 moved now, nothing would be rebuilt.',
    );
  });

  it('ends at a task that is not rebuilt by itself, and goes round it', () => {
    const story = diamond().update('b', { status: 'Disabled' });
    expect(impact(story).tasks.map(({ task, held, through }) => [task, held, through])).toEqual([
      ['a', null, [ref('x')]],
      ['c', null, [ref('x')]],
      ['b', 'Disabled', [ref('a')]],
    ]);
    expect(text(story)).toBe(
      `If ${ref('x')} moved now, 2 tasks would be rebuilt, each once, on 1 level, in about 2 seconds with 1 slot. 1 task that would become stale would not be rebuilt without a person.`,
    );
    const quiet = diamond().update('a', { trigger: { baseImageTrigger: off } });
    expect(impact(quiet).tasks.map(({ task, held }) => [task, held])).toEqual([
      ['c', null],
      ['a', 'TriggerDisabled'],
    ]);
  });

  it('leaves out what was never built, and a pool without a builder', () => {
    expect(impact(diamond().create('new', ['x'])).tasks.at(-1)).toMatchObject({ task: 'new', held: 'Unbuilt' });
    const none = impact(diamond(), new Map());
    expect([none.builds, none.held, none.seconds]).toEqual([0, 2, 0]);
    expect(none.tasks.map(({ held }) => held)).toEqual(['NoBuilder', 'NoBuilder']);
  });

  it('is not fed by a loop', () => {
    const story = new Story().adopt('x', 'x1').create('a', ['x', 'b']).create('b', ['a']);
    story.build('a', 'r1', 'a1').build('b', 'r2', 'b1');
    expect(impact(story).tasks.map(({ task }) => task)).toEqual(['a']);
  });

  it('takes as long as the builds of one slot together, and with enough slots as the longest way', () => {
    // Task n stands on x and on some tasks before it, and takes so many seconds.
    const sketch = fc.array(
      fc.record({ on: fc.array(fc.nat(20), { maxLength: 3 }), seconds: fc.integer({ min: 1, max: 9 }) }),
      {
        minLength: 1,
        maxLength: 9,
      },
    );
    fc.assert(
      fc.property(sketch, (tasks) => {
        const story = new Story().adopt('x', 'x1');
        const ends: number[] = [];
        tasks.forEach(({ on, seconds }, at) => {
          const above = at === 0 ? [] : [...new Set(on.map((n) => n % at))];
          story.create(`t${at}`, ['x', ...above.map((n) => `t${n}`)]);
          story.build(`t${at}`, `r${at}`, `i${at}`);
          story.task(`t${at}`).durations = [seconds];
          ends.push(seconds + Math.max(0, ...above.map((n) => ends[n]!)));
        });
        const all = tasks.reduce((sum, { seconds }) => sum + seconds, 0);
        expect(impact(story).seconds).toBe(all);
        expect(impact(story, new Map([['default', tasks.length]])).seconds).toBe(Math.max(...ends));
        const two = impact(story, new Map([['default', 2]]));
        // Graham 1969: no list schedule takes longer than work / slots + the longest way.
        expect(two.seconds).toBeLessThanOrEqual(all / 2 + Math.max(...ends));
        expect(two.builds).toBe(tasks.length);
        const start = new Map(two.tasks.map((task) => [task.task, task.startsAfterSeconds!]));
        for (const { task, through } of two.tasks) {
          for (const reference of through) {
            const above = /\/(t\d+):/.exec(reference)?.[1];
            if (above)
              expect(start.get(task)).toBeGreaterThanOrEqual(
                start.get(above)! + tasks[Number(above.slice(1))]!.seconds,
              );
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
