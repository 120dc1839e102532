import { describe, expect, it } from 'vitest';
import { ref, Story } from '../testing/story.js';
import { currentOf, currentText, gradeOf } from './current.js';
import { spoken } from './duration.js';

const day = 86_400_000;
/** node → base → app (of team shop), and a task that was never built. */
const estate = () =>
  new Story()
    .create('base', ['node'])
    .adopt('node', 'n1')
    .build('base', 'r1', 'b1')
    .create('app', ['base'], { team: 'shop' })
    .adopt('base', 'b1', 'Watch')
    .build('app', 'r2', 'a1')
    .create('new', ['node']);

describe('how much is fresh', () => {
  it('is counted of all, of each team, and for each image', () => {
    const story = estate();
    expect(currentOf(story.graph.model, story.now, {})).toMatchObject({
      total: 3,
      fresh: 2,
      share: 2 / 3,
      counts: { Fresh: 2, Unbuilt: 1, Stale: 0 },
      oldest: null,
      teams: [
        { team: 'shop', total: 1, fresh: 1, share: 1 },
        { team: 'web', total: 2, fresh: 1, share: 0.5 },
      ],
      images: [
        { reference: ref('app'), task: 'app', team: 'shop', grade: 'A', state: 'Fresh', since: null },
        { reference: ref('base'), grade: 'A' },
        { reference: ref('new'), grade: 'None', state: 'Unbuilt' },
      ],
    });
  });

  it('names who has been stale for the longest', () => {
    const story = estate().adopt('node', 'n2');
    const at = new Date(story.now).toISOString();
    story.update('app', { step: { target: 'release' } }).scan('app', ['base']);
    const later = story.now + 3 * day;
    const current = currentOf(story.graph.model, later, {});
    expect(current.oldest).toEqual({ task: 'app', since: at });
    expect(current.images.map(({ task, grade }) => [task, grade])).toEqual([
      ['app', 'C'],
      ['base', 'C'],
      ['new', 'None'],
    ]);
    expect(currentText(current, later)).toBe('0 of 3 tasks are fresh (0 %); app has been stale or waiting for 3 days.');
  });

  it('is asked of one team, or of one grade', () => {
    const { model } = estate().graph;
    expect(currentOf(model, 0, { team: 'shop' })).toMatchObject({ total: 1, teams: [{ team: 'shop' }] });
    const none = currentOf(model, 0, { grade: 'None' });
    expect([none.total, none.images.map(({ task }) => task)]).toEqual([3, ['new']]);
    expect(currentText(currentOf(model, 0, { team: 'shop' }), 0)).toBe('1 of 1 task is fresh (100 %).');
    expect(currentText(currentOf(model, 0, { team: 'nobody' }), 0)).toBe('There is no task yet.');
  });
});

describe('the grade of an image', () => {
  it('falls the longer it is stale', () => {
    const stale = [0, 0.9, 1, 6.9, 7, 29.9, 30].map((days) => gradeOf('Stale', 0, days * day));
    expect(stale.join('')).toBe('BBCCDDF');
    expect(gradeOf('Blocked', 0, 8 * day)).toBe('D');
  });
  it('is B for what is fresh on something that is not, and none for what was never built', () => {
    expect([gradeOf('Fresh', null, 0), gradeOf('Behind', null, day), gradeOf('Unknown', null, 0)]).toEqual([
      'A',
      'B',
      'None',
    ]);
  });
});

describe('a duration', () => {
  it('is said in its two largest units', () => {
    expect([0, 0.4, 1, 61, 3600, 90_061, 172_800].map(spoken)).toEqual([
      'less than a second',
      'less than a second',
      '1 second',
      '1 minute 1 second',
      '1 hour',
      '1 day 1 hour',
      '2 days',
    ]);
  });
});
