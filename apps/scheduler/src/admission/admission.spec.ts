import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definitionHash, runDecider, type RunState } from '#libs/domain';
import {
  AggregateStore,
  Commands,
  MemoryEventLog,
  Projector,
  silentLogger,
  type Proposed,
  type RecordedEvent,
} from '#libs/event-log';
import { FakeClock, tempDir, type TempDir } from '#libs/testing';
import { SchedulerProjection } from '../projection/scheduler-projection.js';
import { taskDecider, type TaskState } from '../tasks/task.decider.js';
import { definitionOf, dueOf, queuedOf } from '../testing/samples.js';
import { Admission } from './admission.js';
import { runIdOf } from './attend.js';

describe('admission', () => {
  let dir: TempDir;
  let clock: FakeClock;
  let log: MemoryEventLog;
  let tasks: AggregateStore<TaskState>;
  let runs: AggregateStore<RunState>;
  let projection: SchedulerProjection;
  let projector: Projector;
  let admission: Admission;
  const sequences = new Map<string, number>();

  beforeEach(async () => {
    dir = await tempDir('admission');
    clock = new FakeClock();
    log = new MemoryEventLog({ clock });
    sequences.clear();
    await open();
  });
  afterEach(async () => {
    admission.stop();
    await projector.stop();
    await dir.remove();
  });

  const open = async () => {
    tasks = new AggregateStore(taskDecider);
    runs = new AggregateStore(runDecider);
    projection = new SchedulerProjection();
    projector = new Projector({ log, file: join(dir.path, 's.sqlite'), projections: [tasks, runs, projection], clock });
    await projector.start();
    admission = new Admission({
      books: projection.books,
      tasks,
      runs,
      activeRunsOf: (task) => projection.activeRunsOf(task),
      commands: new Commands({ log, projector }),
      clock,
      logger: silentLogger,
    });
    projector.onBatch((_events, caughtUp) => {
      if (caughtUp) admission.attend(projection.takeTouched());
    });
    admission.attend(projection.takeTouched());
  };

  const events = async (): Promise<RecordedEvent[]> => {
    const stop = new AbortController();
    for await (const batch of log.read({ after: 0, signal: stop.signal })) {
      stop.abort();
      return batch.events;
    }
    return [];
  };
  /** Everything that follows from what is in the log has been done. */
  const rest = async (): Promise<RecordedEvent[]> => {
    for (let quiet = 0, last = -1; quiet < 5;) {
      await new Promise((resolve) => setImmediate(resolve));
      const { last: now } = await log.range();
      quiet = now === last && projector.position === now ? quiet + 1 : 0;
      last = now;
    }
    return events();
  };
  const say = async (kind: 'task' | 'rebuild' | 'run', id: string, event: Proposed): Promise<number> => {
    const last = await log.lastOf({ kind, id });
    const { sequence } = await log.append({ kind, id }, last?.sequence ?? 0, [
      { ...event, id: `said-${(await log.range()).last}` } as never,
    ]);
    return sequence;
  };
  const create = (definition = definitionOf('app')) =>
    say('task', 'app', {
      type: 'task.created',
      data: { definition, definitionHash: definitionHash(definition), by: 'ada' },
    });
  const offer = (key = 'k1') => say('rebuild', 'app', dueOf('app', key));
  const types = (all: readonly RecordedEvent[]) => all.map(({ type }) => type);
  const start = async (run: string) => {
    await say('run', run, { type: 'run.dispatched', data: { run, attempt: 1, pool: 'default' } });
    await say('run', run, {
      type: 'run.started',
      data: { run, attempt: 1, builder: 'b', slot: 0, engine: 'docker', isolation: 'oci' },
    });
  };
  const fail = async (run: string) => {
    await start(run);
    const data = { run, task: 'app', attempt: 1, code: 'STEP_FAILED' as const, reason: 'exit 1' };
    await say('run', run, { type: 'run.failed', data });
  };

  it('queues one run for an offer, named by its position, with what the offer says', async () => {
    await create();
    const position = await offer();
    const all = await rest();
    expect(types(all)).toEqual(['task.created', 'rebuild.due', 'run.queued']);
    expect(all[2]).toMatchObject({
      aggregate: { kind: 'run', id: runIdOf(position) },
      causation: all[1]!.id,
      data: { run: runIdOf(position), task: 'app', key: 'k1', offer: position, priority: 'Base', waves: ['w7'] },
    });
  });

  it('queues nothing twice, also not after a restart', async () => {
    await create();
    await offer();
    await rest();
    admission.attend(['app', 'app']);
    await projector.stop();
    await open();
    admission.attend(['app']);
    expect(types(await rest())).toEqual(['task.created', 'rebuild.due', 'run.queued']);
  });

  it('queues the same key again when it is offered again', async () => {
    await create();
    const first = await offer();
    await rest();
    await fail(runIdOf(first));
    const second = await offer();
    await rest();
    expect(runs.get(runIdOf(second)).state).toMatchObject({ phase: 'Queued', queued: { key: 'k1' } });
  });

  it('takes a run back when its offer is withdrawn or replaced before it started', async () => {
    await create();
    const first = await offer();
    await rest();
    const second = await offer('k2');
    await rest();
    await say('rebuild', 'app', { type: 'rebuild.settled', data: { task: 'app', basis: second } });
    const all = await rest();
    const canceled = all.filter(({ type }) => type === 'run.canceled');
    expect(canceled.map(({ data }) => data)).toMatchObject([
      { run: runIdOf(first), reason: 'Superseded', attempt: null },
      { run: runIdOf(second), reason: 'Superseded', attempt: null },
    ]);
  });

  it('leaves a run alone that has started: the builder looks whether its pins are still true', async () => {
    await create();
    const position = await offer();
    await rest();
    await start(runIdOf(position));
    await say('rebuild', 'app', { type: 'rebuild.settled', data: { task: 'app', basis: position } });
    expect(types(await rest())).not.toContain('run.canceled');
  });

  it('leaves a run by hand alone when an offer is withdrawn', async () => {
    await create();
    const byHand = queuedOf('m1', 'app', { offer: null, key: null, priority: 'Interactive' });
    await say('run', 'm1', byHand);
    const position = await offer();
    await say('rebuild', 'app', { type: 'rebuild.settled', data: { task: 'app', basis: position } });
    await rest();
    expect(runs.get('m1').state.phase).toBe('Queued');
  });

  it('ends the runs of a task that is deleted, also the one that is running', async () => {
    await create();
    await say('run', 'm1', queuedOf('m1', 'app', { offer: null, key: null }));
    await start('m1');
    await say('run', 'm2', queuedOf('m2', 'app', { offer: null, key: null }));
    await offer();
    await say('task', 'app', { type: 'task.deleted', data: { task: 'app', by: 'ada' } });
    const all = await rest();
    expect(runs.get('m1').state.cancelRequested).toBe(true);
    expect(all.filter(({ type }) => type === 'run.canceled').map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ run: 'm2', reason: 'TaskDeleted' }),
    );
    expect(all.filter(({ type }) => type === 'run.cancel-requested')).toHaveLength(1);
  });

  describe('a task whose build fails', () => {
    /** Offers a key and lets its run fail, as the graph does twice more after a failure. */
    const failing = async (times: number, key = 'k1') => {
      for (let count = 0; count < times; count += 1) {
        const position = await offer(key);
        await rest();
        await fail(runIdOf(position));
        await rest();
      }
    };
    const circuit = () => tasks.get('app').state.circuit;

    it('has its circuit opened by the third failure in a row, for an hour', async () => {
      await create();
      await failing(2);
      expect(circuit()).toBeNull();
      await failing(1);
      expect(circuit()).toMatchObject({
        key: 'k1',
        failures: 3,
        retryAt: new Date(clock.now().getTime() + 3_600_000).toISOString(),
      });
    });

    it('is tried once more after the hour, last of all, and then after two', async () => {
      await create();
      await failing(3);
      await clock.advance(3_599_000);
      await rest();
      expect(circuit()).not.toBeNull();
      await clock.advance(2_000);
      const all = await rest();
      expect(all.at(-1)).toMatchObject({ type: 'task.circuit-closed', data: { reason: 'HalfOpen' } });
      const position = await offer();
      await rest();
      expect(runs.get(runIdOf(position)).state.queued?.priority).toBe('HalfOpen');
      await fail(runIdOf(position));
      await rest();
      expect(circuit()).toMatchObject({
        failures: 4,
        retryAt: new Date(clock.now().getTime() + 2 * 3_600_000).toISOString(),
      });
    });

    it('is still tried when the process was restarted meanwhile', async () => {
      await create();
      await failing(3);
      admission.stop();
      await projector.stop();
      await clock.advance(7_200_000);
      await open();
      expect((await rest()).at(-1)).toMatchObject({ type: 'task.circuit-closed', data: { reason: 'HalfOpen' } });
    });

    it('is tried at once for other inputs, and the failures of the ones before do not count', async () => {
      await create();
      await failing(3);
      const position = await offer('k2');
      const all = await rest();
      expect(types(all)).toContain('task.circuit-closed');
      expect(runs.get(runIdOf(position)).state).toMatchObject({ phase: 'Queued', queued: { priority: 'Base' } });
      await fail(runIdOf(position));
      await rest();
      expect(circuit()).toBeNull();
    });

    it('has its circuit closed by a success, whoever asked for the run', async () => {
      await create();
      await failing(3);
      await say('run', 'm1', queuedOf('m1', 'app', { offer: null, key: null }));
      await start('m1');
      const done = { run: 'm1', task: 'app', attempt: 1, outputs: [], inputs: [], sourceRevision: null };
      await say('run', 'm1', { type: 'run.succeeded', data: { ...done, unchanged: false } });
      expect((await rest()).at(-1)).toMatchObject({ type: 'task.circuit-closed', data: { reason: 'Succeeded' } });
      expect(circuit()).toBeNull();
    });

    it('is not counted as failed by what a person runs, or by errors of ours', async () => {
      await create();
      for (const run of ['m1', 'm2', 'm3']) {
        await say('run', run, queuedOf(run, 'app', { offer: null, key: null }));
        await fail(run);
      }
      const position = await offer();
      await rest();
      const run = runIdOf(position);
      await start(run);
      for (let attempt = 1; attempt < 5; attempt += 1) {
        await say('run', run, {
          type: 'run.errored',
          data: { run, task: 'app', attempt, reason: 'registry down', retryAt: clock.now().toISOString() },
        });
      }
      await rest();
      expect(circuit()).toBeNull();
    });

    it('has no circuit for what it builds no more', async () => {
      await create();
      await failing(3);
      const definition = definitionOf('app', { target: 'release' });
      const data = { definition, definitionHash: definitionHash(definition), by: 'ada' };
      await say('task', 'app', { type: 'task.updated', data });
      await rest();
      expect(circuit()).toBeNull();
    });
  });
});
