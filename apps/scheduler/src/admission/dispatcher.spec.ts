import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runDecider, type RunState } from '#libs/domain';
import {
  AggregateStore,
  Commands,
  MemoryJet,
  Projector,
  silentLogger,
  type DispatchedRun,
  type RecordedEvent,
} from '#libs/event-log';
import { FakeClock, tempDir, type TempDir } from '#libs/testing';
import { queuedOf } from '../testing/samples.js';
import { Dispatcher } from './dispatcher.js';

describe('the dispatcher', () => {
  let dir: TempDir;
  let clock: FakeClock;
  let jet: MemoryJet;
  let runs: AggregateStore<RunState>;
  let projector: Projector;
  let commands: Commands;
  let dispatcher: Dispatcher;

  beforeEach(async () => {
    dir = await tempDir('dispatcher');
    clock = new FakeClock();
    jet = new MemoryJet({ clock });
    runs = new AggregateStore(runDecider);
    projector = new Projector({ log: jet.events, file: join(dir.path, 'd.sqlite'), projections: [runs], clock });
    await projector.start();
    commands = new Commands({ log: jet.events, projector });
    dispatcher = new Dispatcher({
      runs,
      activeRuns: () => [...runs.all({ live: true })].map(([run]) => run),
      commands,
      queue: jet.dispatch,
      leases: jet.kv('leases', { ttlMs: 0 }),
      clock,
      logger: silentLogger,
    });
    await dispatcher.start();
  });
  afterEach(async () => {
    dispatcher.stop();
    await projector.stop();
    await dir.remove();
  });

  const queue = async (run: string) => {
    const { data } = queuedOf(run, 'app');
    await commands.execute(runs, runDecider, run, { type: 'queue', queued: data }, {});
  };
  const announce = () =>
    jet.kv('leases').put('builder.one', Buffer.from(JSON.stringify({ pool: 'default', slots: 1 })));
  const events = async (): Promise<RecordedEvent['type'][]> => {
    const stop = new AbortController();
    for await (const batch of jet.events.read({ after: 0, signal: stop.signal })) {
      stop.abort();
      return batch.events.map(({ type }) => type);
    }
    return [];
  };
  /** Time passes while builders say that they are there, or while nobody does. */
  const pass = async (seconds: number, builder: boolean) => {
    for (let second = 0; second < seconds; second++) {
      if (builder) await announce();
      await clock.advance(1_000);
    }
  };

  it('says that nobody takes a run when its pool has had no builder for a minute, once', async () => {
    await queue('r1');
    await pass(58, false);
    expect(await events()).toEqual(['run.queued']);
    await pass(120, false);
    expect(await events()).toEqual(['run.queued', 'run.unplaced']);
    await pass(1, true);
    expect(await events()).toEqual(['run.queued', 'run.unplaced', 'run.dispatched']);
    expect(runs.get('r1').state).toMatchObject({ phase: 'Dispatched', unplaced: false });
  });

  it('sends the message of a run that is being built again when the queue lost it, and only then', async () => {
    await queue('r1');
    await pass(1, true);
    const taken: DispatchedRun[] = [];
    const builder = jet.dispatch.consume('default', { slots: 2, ackWaitMs: 3_600_000 }, (message) => {
      taken.push(message);
      return new Promise(() => undefined);
    });
    const start = { type: 'start', run: 'r1', dispatched: 1, builder: 'one', slot: 0 } as const;
    await commands.execute(runs, runDecider, 'r1', { ...start, engine: 'docker', isolation: 'oci' }, {});
    await pass(180, true);
    expect(taken.map(({ run, attempt }) => [run, attempt])).toEqual([['r1', 1]]);
    jet.dispatch.purge();
    await pass(61, true);
    expect(taken.map(({ run, attempt }) => [run, attempt])).toEqual([
      ['r1', 1],
      ['r1', 1],
    ]);
    void builder;
  });
});
