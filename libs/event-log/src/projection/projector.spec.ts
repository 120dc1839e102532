import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempDir, type TempDir } from '#libs/testing';
import { counter } from '../conformance/counter.decider.js';
import { confirmed, tag, watched } from '../conformance/events.js';
import type { RecordedEvent } from '../log.js';
import { MemoryEventLog } from '../memory/memory-event-log.js';
import { AggregateStore } from './aggregate-store.js';
import type { Projection } from './projection.js';
import { Projector } from './projector.js';

/** Counts events by type. */
class Counts implements Projection {
  readonly name = 'counts';
  readonly schema = 'CREATE TABLE IF NOT EXISTS counts (type TEXT PRIMARY KEY, n INTEGER NOT NULL)';
  #add!: Database.Statement<[string]>;
  constructor(
    readonly version = 1,
    private readonly poison?: number,
  ) {}
  open(db: Database.Database): void {
    this.#add = db.prepare('INSERT INTO counts VALUES (?, 1) ON CONFLICT (type) DO UPDATE SET n = n + 1');
  }
  apply(event: RecordedEvent): void {
    if (event.sequence === this.poison) throw new Error('this one does not fit');
    this.#add.run(event.type);
  }
}

const wait = { timeoutMs: 5_000 };

describe('a projector', () => {
  let dir: TempDir;
  let log: MemoryEventLog;
  let projector: Projector | undefined;
  beforeEach(async () => {
    dir = await tempDir('projector');
    log = new MemoryEventLog();
  });
  afterEach(async () => {
    await projector?.stop();
    await dir.remove();
  });

  const start = async (...projections: Projection[]): Promise<Projector> => {
    await projector?.stop();
    projector = new Projector({ log, file: join(dir.path, 'counts.sqlite'), projections });
    await projector.start();
    return projector;
  };
  const counts = (p: Projector): unknown => p.db.prepare('SELECT type, n FROM counts ORDER BY type').all();

  it('has the effect of every event, once, and tells those who wait for a position', async () => {
    await log.append(tag('a'), 0, [watched('a'), confirmed('a', 'r1')]);
    const p = await start(new Counts());
    expect(await p.waitFor(2, wait)).toBe(true);
    const waiting = p.waitFor(3, wait);
    await log.append(tag('a'), 2, [confirmed('a', 'r2')]);
    expect(await waiting).toBe(true);
    expect(counts(p)).toEqual([
      { type: 'tag.confirmed', n: 2 },
      { type: 'tag.watched', n: 1 },
    ]);
    expect(await p.dataSource.query('SELECT position FROM checkpoint')).toEqual([{ position: 3 }]);
  });

  it('goes on where it was after a restart, without counting anything again', async () => {
    await log.append(tag('a'), 0, [watched('a')]);
    const before = await start(new Counts());
    await before.waitFor(1, wait);
    await before.stop();
    await log.append(tag('a'), 1, [confirmed('a', 'r1')]);
    const again = await start(new Counts());
    await again.waitFor(2, wait);
    expect(counts(again)).toEqual([
      { type: 'tag.confirmed', n: 1 },
      { type: 'tag.watched', n: 1 },
    ]);
  });

  it('builds a new version into a new file and removes the old one when it has caught up', async () => {
    await log.append(tag('a'), 0, [watched('a')]);
    const first = await start(new Counts(1));
    await first.waitFor(1, wait);
    const old = first.path;
    const second = await start(new Counts(2));
    expect(second.path).not.toBe(old);
    await second.waitFor(1, wait);
    expect(existsSync(old)).toBe(false);
    expect(counts(second)).toEqual([{ type: 'tag.watched', n: 1 }]);
    expect(readdirSync(dir.path).filter((name) => name.endsWith('.sqlite'))).toHaveLength(1);
  });

  it('stops at an event that a projection cannot take, and keeps nothing of that batch', async () => {
    await log.append(tag('a'), 0, [watched('a')]);
    const p = await start(new Counts(1, 3));
    await p.waitFor(1, wait);
    await log.append(tag('a'), 1, [confirmed('a', 'r1'), confirmed('a', 'r2')]);
    const failure = await p.failed;
    expect(failure).toMatchObject({ code: 'PROJECTION_FAILED' });
    expect(failure.message).toMatch(/counts .* event 3, tag.confirmed of a: this one does not fit/);
    expect(p.caughtUp).toBe(false);
    expect(await p.waitFor(3, wait)).toBe(false);
  });

  it('refuses a log that is shorter than what it has projected', async () => {
    await log.append(tag('a'), 0, [watched('a'), confirmed('a', 'r1')]);
    await (await start(new Counts())).waitFor(2, wait);
    log = new MemoryEventLog();
    await log.append(tag('a'), 0, [watched('a')]);
    await expect(start(new Counts())).rejects.toMatchObject({ code: 'POSITION_AHEAD' });
  });

  it('refuses to begin after a closed book without a snapshot', async () => {
    await log.append(tag('a'), 0, [watched('a'), confirmed('a', 'r1')]);
    await log.purge(2);
    await expect(start(new Counts())).rejects.toMatchObject({ code: 'POSITION_PURGED' });
  });

  it('gives up waiting in time, on a signal, and when it ends', async () => {
    const p = await start(new Counts());
    expect(await p.waitFor(9, { timeoutMs: 1 })).toBe(false);
    const stop = new AbortController();
    const aborted = p.waitFor(9, { ...wait, signal: stop.signal });
    stop.abort();
    expect(await aborted).toBe(false);
    const ended = p.waitFor(9, wait);
    await p.stop();
    expect(await ended).toBe(false);
  });

  it('keeps the state of every aggregate, across restarts and with little memory', async () => {
    const many = Array.from({ length: 50 }, (_, i) => `t${i}`);
    for (const id of many) await log.append(tag(id), 0, [watched(id)]);
    for (const [i, id] of many.entries()) await log.append(tag(id), i + 1, [confirmed(id, 'r1')]);
    for (const cache of [4, 1000]) {
      const store = new AggregateStore(counter, { cache });
      const p = await start(store);
      await p.waitFor(100, wait);
      expect(store.get('t7')).toEqual({ state: { watched: true, runs: ['r1'] }, sequence: 58 });
      expect(store.get('nobody')).toEqual({ state: counter.initialState, sequence: 0 });
      expect([...store.all()].map(([id]) => id).toSorted()).toEqual(many.toSorted());
    }
  });

  it('writes an aggregate once per batch, and takes a restated state as it is', async () => {
    const state = { watched: true, runs: ['x', 'y'] };
    await log.append(tag('a'), 0, [watched('a'), confirmed('a', 'r1')]);
    await log.append(tag('a'), 2, [{ type: 'tag.restated', id: 'restated', data: { state } }]);
    await log.append(tag('b'), 0, [watched('b'), { type: 'tag.unwatched', id: 'gone', data: { reference: 'b' } }]);
    const store = new AggregateStore(counter);
    const p = await start(store);
    await p.waitFor(5, wait);
    expect(store.get('a')).toEqual({ state, sequence: 3 });
    expect([...store.all({ live: true })].map(([id]) => id)).toEqual(['a']);
    expect(p.db.prepare('SELECT id, sequence, over FROM aggregate_tag ORDER BY id').all()).toEqual([
      { id: 'a', sequence: 3, over: 0 },
      { id: 'b', sequence: 5, over: 1 },
    ]);
  });
});
