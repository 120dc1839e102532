import { describe, expect, it } from 'vitest';
import { AggregateStore, Commands, MemoryEventLog, silentLogger, type RecordedEvent } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import { defaultPatience } from '../model/evaluate.js';
import { Story } from '../testing/story.js';
import { rebuildDecider } from './rebuild.decider.js';
import { Reconciler } from './reconciler.js';

/** A graph whose process manager has slept through everything, and the pass that looks after it. */
const setUp = () => {
  const story = new Story();
  const log = new MemoryEventLog();
  let recreated = 0;
  const reconciler = new Reconciler({
    model: story.graph.model,
    rebuilds: new AggregateStore(rebuildDecider),
    commands: new Commands({ log, projector: { position: 0, waitFor: () => Promise.resolve(true) } }),
    clock: new FakeClock(new Date(Date.UTC(2026, 10, 23, 14, 5))),
    logger: silentLogger,
    patience: defaultPatience,
    position: () => 1000,
    onRecreated: () => (recreated += 1),
  });
  const said = async (): Promise<RecordedEvent[]> => {
    if ((await log.range()).last === 0) return [];
    for await (const { events } of log.read({ after: 0, signal: new AbortController().signal })) return events;
    return [];
  };
  return { story, reconciler, said, recreated: () => recreated };
};

describe('the periodic comparison of everything', () => {
  it('offers a task that was overlooked twice, says that it did, and counts it', async () => {
    const { story, reconciler, said, recreated } = setUp();
    story.adopt('base', 'v1').create('app', ['base']).build('app', 'r1', 'a1').adopt('base', 'v2');
    expect(await reconciler.pass()).toBe(0);
    expect(await said()).toEqual([]);
    expect(await reconciler.pass()).toBe(1);
    expect(await said()).toMatchObject([{ type: 'rebuild.due', data: { task: 'app', recreated: true, basis: 1000 } }]);
    expect(recreated()).toBe(1);
  });

  it('leaves alone what is fresh, offered, held, or not rebuilt by itself', async () => {
    const { story, reconciler, said } = setUp();
    story.adopt('base', 'v1').adopt('app', 'a1');
    story.create('app', ['base']).build('app', 'r1', 'a1').create('below', ['base', 'app']).build('below', 'r2', 'b1');
    story.create('off', ['base']).build('off', 'r3', 'o1').update('off', { status: 'Disabled' });
    for (let pass = 0; pass < 3; pass += 1) expect(await reconciler.pass()).toBe(0);
    story.adopt('base', 'v2').add('rebuild.due', {
      task: 'app',
      key: 'a key',
      causes: [{ type: 'Manual', by: 'ada', at: '2026-11-23T14:00:00Z' }],
      pins: [],
      sourceRevision: null,
      basis: 1,
      waves: [],
    });
    for (let pass = 0; pass < 3; pass += 1) expect(await reconciler.pass()).toBe(0);
    expect(await said()).toEqual([]);
  });

  it('waits once more when what a task is due for has changed since the last pass', async () => {
    const { story, reconciler } = setUp();
    story.adopt('base', 'v1').create('app', ['base']).build('app', 'r1', 'a1').adopt('base', 'v2');
    await reconciler.pass();
    story.adopt('base', 'v3');
    expect(await reconciler.pass()).toBe(0);
    expect(await reconciler.pass()).toBe(1);
  });
});
