import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempDir, type TempDir } from '#libs/testing';
import { counter, type Counter } from '../conformance/counter.decider.js';
import { confirmed, readAll, tag, watched } from '../conformance/events.js';
import { ConcurrencyError } from '../errors.js';
import { MemoryEventLog } from '../memory/memory-event-log.js';
import { AggregateStore } from '../projection/aggregate-store.js';
import { Projector } from '../projection/projector.js';
import { Commands } from './commands.js';

describe('commands', () => {
  let dir: TempDir;
  let log: MemoryEventLog;
  let store: AggregateStore<Counter>;
  let projector: Projector;
  let commands: Commands;
  beforeEach(async () => {
    dir = await tempDir('commands');
    log = new MemoryEventLog();
    store = new AggregateStore(counter);
    projector = new Projector({ log, file: join(dir.path, 'c.sqlite'), projections: [store] });
    await projector.start();
    commands = new Commands({ log, projector });
  });
  afterEach(async () => {
    await projector.stop();
    await dir.remove();
  });

  it('puts what happened into the state at once, and the projector skips it later', async () => {
    expect((await commands.execute(store, counter, 'a', { type: 'watch' })).sequence).toBe(1);
    expect((await commands.execute(store, counter, 'a', { type: 'confirm', run: 'r1' })).sequence).toBe(2);
    expect(store.get('a')).toEqual({ state: { watched: true, runs: ['r1'] }, sequence: 2 });
    await projector.waitFor(2, { timeoutMs: 5_000 });
    expect(store.get('a')).toEqual({ state: { watched: true, runs: ['r1'] }, sequence: 2 });
  });

  it('says where the aggregate is when there was nothing to do', async () => {
    await commands.execute(store, counter, 'a', { type: 'watch' });
    expect(await commands.execute(store, counter, 'a', { type: 'watch' })).toEqual({ sequence: 1, events: [] });
  });

  it('lets a hundred commands on one aggregate happen one after the other', async () => {
    await commands.execute(store, counter, 'a', { type: 'watch' });
    const all = Array.from({ length: 100 }, (_, i) =>
      commands.execute(store, counter, 'a', { type: 'confirm', run: `r${i}` }),
    );
    await Promise.all(all);
    expect(store.get('a').state.runs).toHaveLength(100);
  });

  it('decides again on the new state when somebody else was faster', async () => {
    await log.append(tag('a'), 0, [watched('a')]);
    await log.append(tag('a'), 1, [confirmed('a', 'theirs')]);
    const { sequence } = await commands.execute(store, counter, 'a', { type: 'watch' });
    expect(sequence).toBe(2);
    expect(await readAll(log)).toHaveLength(2);
  });

  it('gives up instead of deciding again where that is asked for', async () => {
    await projector.waitFor(0, { timeoutMs: 1 });
    await log.append(tag('a'), 0, [watched('a')]);
    const look = commands.execute(store, counter, 'a', { type: 'watch' }, { expected: 0, onConflict: 'give-up' });
    await expect(look).rejects.toBeInstanceOf(ConcurrencyError);
    await projector.waitFor(1, { timeoutMs: 5_000 });
    const late = commands.execute(store, counter, 'a', { type: 'confirm', run: 'r' }, { expected: 0 });
    await expect(late).rejects.toMatchObject({ code: 'CONCURRENCY_CONFLICT', expected: 0, actual: 1 });
  });

  it('knows its own event of an earlier life whose acknowledgement it never saw', async () => {
    await log.append(tag('b'), 0, [watched('b')]);
    await log.append(tag('a'), 0, [watched('a', 'watch-of-1')]);
    const found = await commands.execute(store, counter, 'a', { type: 'watch' }, { eventId: 'watch-of-1' });
    expect(found.sequence).toBe(2);
    expect((await readAll(log)).map((e) => e.id)).toContain('watch-of-1');
    expect((await log.range()).last).toBe(2);
  });

  it('begins anew where the events of an aggregate that was over are in a closed book', async () => {
    await commands.execute(store, counter, 'a', { type: 'watch' });
    await commands.execute(store, counter, 'a', { type: 'unwatch' });
    await projector.waitFor(2, { timeoutMs: 5_000 });
    await log.purge(3);
    expect((await commands.execute(store, counter, 'a', { type: 'watch' })).sequence).toBe(3);
    expect(store.get('a').state.watched).toBe(true);
  });

  it('lets the decider refuse', async () => {
    const refused = commands.execute(store, counter, 'a', { type: 'confirm', run: 'r' });
    await expect(refused).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });
});
