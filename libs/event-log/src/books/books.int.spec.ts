import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startNats, tempDir, type NatsServer, type TempDir } from '#libs/testing';
import { counter, type Counter } from '../conformance/counter.decider.js';
import { readAll } from '../conformance/events.js';
import { Commands } from '../commands/commands.js';
import { Jet } from '../jetstream/jet.js';
import { AggregateStore } from '../projection/aggregate-store.js';
import { Projector } from '../projection/projector.js';
import { Snapshots } from '../snapshots/snapshots.js';
import { readArchive, readManifest } from './archive.js';
import { closeBook, type CloseBookOptions } from './close-book.js';
import { DirectorySink } from './directory-sink.js';
import { ownerOf } from './owner.js';

const wait = { timeoutMs: 10_000 };

describe('closing a book', () => {
  let nats: NatsServer;
  let dir: TempDir;
  let jet: Jet;
  let snapshots: Snapshots;
  let archive: DirectorySink;
  const replicas: Projector[] = [];

  beforeEach(async () => {
    nats = await startNats();
    dir = await tempDir('books');
    jet = await Jet.connect({ servers: nats.url, name: 'books' });
    await jet.provision();
    snapshots = new Snapshots({ objects: jet.objects('snapshots') });
    archive = new DirectorySink(join(dir.path, 'archive'));
  });
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.stop();
    await jet.close();
    await nats.stop();
    await dir.remove();
  });

  interface Replica {
    readonly store: AggregateStore<Counter>;
    readonly projector: Projector;
    readonly commands: Commands;
  }
  const replica = async (name: string): Promise<Replica> => {
    const store = new AggregateStore(counter);
    const file = join(dir.path, name, 'tags.sqlite');
    const projector = new Projector({ log: jet.events, file, projections: [store], snapshots });
    await projector.start();
    replicas.push(projector);
    return { store, projector, commands: new Commands({ log: jet.events, projector }) };
  };
  const run = (r: Replica, id: string, ...runs: string[]): Promise<unknown> =>
    runs.reduce<Promise<unknown>>(
      (done, name) => done.then(() => r.commands.execute(r.store, counter, id, { type: 'confirm', run: name })),
      r.commands.execute(r.store, counter, id, { type: 'watch' }),
    );
  const options = (r: Replica, upTo: number): CloseBookOptions => ({
    upTo,
    log: jet.events,
    purge: (before) => jet.purge(before),
    owners: [ownerOf('tag', r.store, jet.events, r.projector)],
    archive,
    snapshots,
    projections: [r.projector.snapshotName],
  });
  /** Old (last event in the book), over, and one with events on both sides: 1–6 are the book. */
  const history = async (r: Replica): Promise<void> => {
    await run(r, 'old', 'r1', 'r2');
    await run(r, 'over');
    await r.commands.execute(r.store, counter, 'over', { type: 'unwatch' });
    await run(r, 'both', 'r3');
    await r.projector.waitFor(7, wait);
  };

  it('keeps what lives, archives the rest, and everything goes on from there', async () => {
    const first = await replica('first');
    await history(first);
    await snapshots.take(first.projector);
    const book = await closeBook(options(first, 6));
    expect(book).toMatchObject({ first: 1, last: 6 });
    // "old" was restated at 8; "both" goes on beyond the cut, "over" is over.
    expect(await jet.events.range()).toEqual({ first: 7, last: 8 });
    const stream = await readAll(jet.events, 6);
    expect(stream.map((e) => [e.type, e.aggregate.id])).toEqual([
      ['tag.confirmed', 'both'],
      ['tag.restated', 'old'],
    ]);

    const second = await replica('second');
    await second.projector.waitFor(8, wait);
    expect(second.store.get('old')).toEqual({ state: { watched: true, runs: ['r1', 'r2'] }, sequence: 8 });
    expect(second.store.get('both')).toEqual({ state: { watched: true, runs: ['r3'] }, sequence: 7 });
    const next = await second.commands.execute(second.store, counter, 'old', { type: 'confirm', run: 'r9' });
    expect(next.sequence).toBe(9);
    // The server knows nothing of "over" any more: it begins anew.
    expect((await second.commands.execute(second.store, counter, 'over', { type: 'watch' })).sequence).toBe(10);
  });

  it('loses not a byte: archive and stream together are what the stream was', async () => {
    const first = await replica('first');
    await history(first);
    await snapshots.take(first.projector);
    const original = await readAll(jet.events);
    await closeBook(options(first, 6));
    const archived = [];
    for await (const event of readArchive(archive)) archived.push(event);
    const together = [...archived, ...(await readAll(jet.events, 6))];
    expect(JSON.stringify(together.slice(0, original.length))).toBe(JSON.stringify(original));
    expect(together.map((e) => e.sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('chains one book to the next, and sees when an old one was changed', async () => {
    const first = await replica('first');
    await history(first);
    await snapshots.take(first.projector);
    await closeBook(options(first, 3));
    const { last } = await jet.events.range();
    await first.projector.waitFor(last, wait);
    await snapshots.take(first.projector);
    await closeBook(options(first, 7));
    const { books } = await readManifest(archive);
    expect(books.map((b) => [b.first, b.last])).toEqual([
      [1, 3],
      [4, 7],
    ]);
    const path = join(dir.path, 'archive', books[0]?.name ?? '');
    const bytes = await readFile(path);
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const reading = async (): Promise<void> => {
      for await (const event of readArchive(archive)) expect(event.sequence).toBeGreaterThan(0);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'BOOK_INVALID' });
  });

  it('purges nothing without a good snapshot behind the cut', async () => {
    const first = await replica('first');
    await history(first);
    await expect(closeBook(options(first, 6))).rejects.toMatchObject({ code: 'SNAPSHOT_INVALID' });
    expect((await jet.events.range()).first).toBe(1);
  });

  it('finishes a book that was archived and not purged when the process died', async () => {
    const first = await replica('first');
    await history(first);
    await snapshots.take(first.projector);
    const dying = { ...options(first, 6), purge: () => Promise.reject(new Error('killed')) };
    await expect(closeBook(dying)).rejects.toThrow('killed');
    expect((await jet.events.range()).first).toBe(1);
    expect(await closeBook(options(first, 2))).toMatchObject({ last: 6 });
    expect((await jet.events.range()).first).toBe(7);
    expect((await readManifest(archive)).books).toHaveLength(1);
  });

  it('does nothing when the log is younger and shorter than the limits', async () => {
    const first = await replica('first');
    await history(first);
    const limits = { ...options(first, 0), maxEvents: 1_000, olderThan: new Date('2020-01-01') };
    expect(await closeBook(limits)).toBeUndefined();
  });

  it('takes the older snapshot when the newest is damaged', async () => {
    const first = await replica('first');
    await history(first);
    const good = await snapshots.take(first.projector);
    await first.commands.execute(first.store, counter, 'both', { type: 'confirm', run: 'r4' });
    await first.projector.waitFor(8, wait);
    const bad = await snapshots.take(first.projector);
    const objects = jet.objects('snapshots');
    const { metadata } = (await objects.info(`${bad.name}/${bad.position}`)) ?? {};
    const { Readable } = await import('node:stream');
    await objects.put(`${bad.name}/${bad.position}`, Readable.from([Buffer.from('not a snapshot')]), metadata);
    expect(await snapshots.verified(bad.name)).toBe(good.position);
    expect(await snapshots.restore(bad.name, join(dir.path, 'restored.sqlite'), 0)).toBe(good.position);
  });
});
