import { describe, expect, it } from 'vitest';
import { taskDefinitionSchema, type EventData, type EventType } from '#libs/contracts';
import { AggregateStore, Commands, MemoryEventLog, silentLogger, type RecordedEvent } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import { defaultPatience } from '../model/evaluate.js';
import { GraphModel } from '../model/graph-model.js';
import { WaveBook } from '../waves/wave-book.js';
import { waveDecider } from '../waves/wave.decider.js';
import { rebuildDecider } from './rebuild.decider.js';
import { RebuildManager } from './rebuild-manager.js';

const definition = taskDefinitionSchema.parse({
  name: 'app',
  team: 'web',
  platforms: ['linux/amd64'],
  step: { type: 'Docker', contextPath: 'https://git.test/web/app.git' },
});

/** A task that is due, and the log that it is said in; the model learns of it only when the test says so. */
const setUp = () => {
  const log = new MemoryEventLog();
  const rebuilds = new AggregateStore(rebuildDecider);
  const model = new GraphModel();
  let position = 0;
  const task = model.task('app');
  const happened = <T extends EventType>(type: T, data: Partial<EventData<T>>) =>
    model.apply({ sequence: 0, type, time: '2026-11-23T14:00:00Z', data } as unknown as RecordedEvent);
  // It was built once, and defined anew since.
  happened('task.created', { definition, definitionHash: '1'.repeat(32) });
  happened('run.queued', { run: 'c1', task: 'app', key: null, offer: null, definitionHash: '1'.repeat(32) });
  happened('run.succeeded', { run: 'c1', task: 'app', inputs: [], outputs: [], sourceRevision: null });
  happened('task.updated', { definition, definitionHash: '2'.repeat(32) });
  // The run that the last offer led to has ended.
  task.moving.offer = { position: 0, key: 'earlier', over: true };
  const manager = new RebuildManager({
    model,
    waves: new WaveBook(),
    rebuilds,
    waveStates: new AggregateStore(waveDecider),
    commands: new Commands({ log, projector: { position: 0, waitFor: () => Promise.resolve(true) } }),
    clock: new FakeClock(),
    logger: silentLogger,
    patience: defaultPatience,
    position: () => position,
  });
  const said = async (): Promise<RecordedEvent[]> => {
    const { last } = await log.range();
    const stop = new AbortController();
    const events: RecordedEvent[] = [];
    if (last === 0) return events;
    for await (const batch of log.read({ after: 0, signal: stop.signal })) {
      events.push(...batch.events);
      if (batch.caughtUp) break;
    }
    stop.abort();
    return events;
  };
  /** The model reads what was said. */
  const catchUp = async () => {
    for (const event of (await said()).slice(position)) model.apply(event);
    position = (await said()).length;
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { manager, task, said, catchUp, settled };
};

describe('an offer', () => {
  it('is made once when the task is looked at again before the offer has come back through the log', async () => {
    const { manager, task, said, settled } = setUp();
    manager.decide([task]);
    manager.decide([task]);
    await settled();
    manager.decide([task]);
    await settled();
    expect((await said()).map(({ type }) => type)).toEqual(['rebuild.due']);
    manager.stop();
  });

  it('is made again when the run that it led to has ended and the task is still due', async () => {
    const { manager, task, said, catchUp, settled } = setUp();
    manager.decide([task]);
    await settled();
    await catchUp();
    manager.decide([task]);
    await settled();
    expect(await said()).toHaveLength(1);
    task.offer!.over = true;
    manager.decide([task]);
    await settled();
    expect((await said()).map(({ type }) => type)).toEqual(['rebuild.due', 'rebuild.due']);
    manager.stop();
  });
});
