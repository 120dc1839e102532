import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogLine } from '#libs/contracts';
import type { JetSurface } from '../jetstream/jet.js';
import type { KvChange } from '../ports/kv.js';
import type { DeadLetter } from '../ports/dead-letters.js';
import type { DispatchedRun } from '../ports/dispatch.js';

/** Collects what comes, and lets a test wait for the next one. */
const inbox = <T>(): { push(value: T): void; next(): Promise<T>; readonly all: T[] } => {
  const all: T[] = [];
  let read = 0;
  let wake: (() => void) | undefined;
  return {
    all,
    push(value) {
      all.push(value);
      wake?.();
    },
    async next() {
      while (read >= all.length) await new Promise<void>((resolve) => (wake = resolve));
      return all[read++] as T;
    },
  };
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);
const line = (t: string): Omit<LogLine, 'offset'> => ({
  at: '2026-01-01T00:00:00Z',
  stream: 'stdout',
  step: null,
  text: t,
});

/** What dispatch, logs, blobs and key-value buckets do, whatever they stand on. */
export const jetConformance = (name: string, open: () => Promise<JetSurface>): void => {
  describe(`${name} keeps work, logs, blobs and values`, () => {
    let jet: JetSurface;
    beforeAll(async () => {
      jet = await open();
    });
    afterAll(() => jet.close());

    it('gives a dispatched run to one builder of its pool, once', async () => {
      const got = inbox<DispatchedRun>();
      const consumers = [1, 2].map(() =>
        jet.dispatch.consume('default', { slots: 2 }, async (m) => {
          await m.ack();
          got.push(m);
        }),
      );
      const other = inbox<DispatchedRun>();
      const elsewhere = jet.dispatch.consume('gpu.large', { slots: 1 }, async (m) => {
        await m.ack();
        other.push(m);
      });
      for (const run of ['r1', 'r2', 'r3']) await jet.dispatch.send('default', { run, attempt: 1 });
      await jet.dispatch.send('default', { run: 'r1', attempt: 1 });
      await jet.dispatch.send('gpu.large', { run: 'g1', attempt: 2 });
      const runs = [await got.next(), await got.next(), await got.next()].map((m) => m.run);
      expect(runs.toSorted()).toEqual(['r1', 'r2', 'r3']);
      expect(await other.next()).toMatchObject({ run: 'g1', attempt: 2, deliveries: 1 });
      await Promise.all([...consumers, elsewhere].map((c) => c.close()));
      expect(got.all).toHaveLength(3);
    });

    it('delivers again what is handed back, and not what is dropped', async () => {
      const got = inbox<number>();
      const consumer = jet.dispatch.consume('retry', { slots: 1 }, (m) => {
        got.push(m.deliveries);
        if (m.deliveries === 1) m.retry(1);
        else m.drop('enough');
        return Promise.resolve();
      });
      await jet.dispatch.send('retry', { run: 'again', attempt: 1 });
      expect([await got.next(), await got.next()]).toEqual([1, 2]);
      await consumer.close();
    });

    it('keeps what is dropped with its cause, and gives it out again once when it is replayed', async () => {
      const got = inbox<string>();
      const consumer = jet.dispatch.consume('dead', { slots: 1 }, async (m) => {
        if (got.all.length === 0) m.drop('nobody knows this run');
        else await m.ack();
        got.push(m.run);
      });
      await jet.dispatch.send('dead', { run: 'lost', attempt: 3 });
      await got.next();
      let letter: DeadLetter | undefined;
      // The letter is written after the handler said so.
      while (!letter) [letter] = (await jet.dead.list({ after: 0, limit: 100 })).filter((one) => one.source === 'dead');
      expect(letter).toMatchObject({
        kind: 'dispatch',
        cause: 'nobody knows this run',
        subject: 'plinth.dispatch.dead',
        payload: '{"run":"lost","attempt":3}',
      });
      expect(await jet.dead.get(letter.id)).toEqual(letter);
      // Two people may ask for it at once.
      await Promise.all([jet.dead.replay(letter), jet.dead.replay(letter)]);
      expect(await got.next()).toBe('lost');
      await jet.dispatch.send('dead', { run: 'next', attempt: 1 });
      expect(await got.next()).toBe('next');
      expect(await jet.dead.get(letter.id)).toBeUndefined();
      expect((await jet.dead.list({ after: 0, limit: 100 })).filter((one) => one.source === 'dead')).toEqual([]);
      await consumer.close();
    });

    it('tells a dead letter that has a name once', async () => {
      const letter = {
        kind: 'event',
        source: 'graph',
        cause: 'unknown',
        subject: 's',
        payload: '',
        once: '7',
      } as const;
      for (let found = 0; found < 3; found++) await jet.dead.add(letter);
      const letters = await jet.dead.list({ after: 0, limit: 100 });
      expect(letters.filter(({ kind }) => kind === 'event')).toHaveLength(1);
    });

    it('has nobody take more than there are slots', async () => {
      const started = inbox<DispatchedRun>();
      const release = Promise.withResolvers<void>();
      const consumer = jet.dispatch.consume('small', { slots: 1 }, async (m) => {
        started.push(m);
        await release.promise;
        expect(await m.working()).toBe(true);
        await m.ack();
      });
      await jet.dispatch.send('small', { run: 's1', attempt: 1 });
      await jet.dispatch.send('small', { run: 's2', attempt: 1 });
      await started.next();
      expect(started.all).toHaveLength(1);
      release.resolve();
      await started.next();
      await consumer.close();
    });

    it('gives a run to another builder when the first one is silent for too long', async () => {
      const got = inbox<DispatchedRun>();
      const silent = jet.dispatch.consume('silent', { slots: 1, ackWaitMs: 500 }, async (m) => {
        got.push(m);
        if (m.deliveries > 1) await m.ack();
      });
      await jet.dispatch.send('silent', { run: 'q1', attempt: 1 });
      expect([(await got.next()).deliveries, (await got.next()).deliveries]).toEqual([1, 2]);
      await silent.close();
    });

    it('knows which messages it holds, taken or not', async () => {
      const before = await jet.dispatch.held();
      await jet.dispatch.send('held', { run: 'h1', attempt: 1 });
      await jet.dispatch.send('held', { run: 'h2', attempt: 3 });
      const got = inbox<DispatchedRun>();
      const taking = jet.dispatch.consume('held', { slots: 1 }, async (m) => {
        got.push(m);
        if (m.run === 'h1') await m.ack();
      });
      await got.next();
      expect((await got.next()).run).toBe('h2');
      expect(await jet.dispatch.held()).toEqual([...before, { run: 'h2', attempt: 3 }]);
      await got.all[1]!.ack();
      expect(await jet.dispatch.held()).toEqual(before);
      await taking.close();
    });

    const readLog = async (run: string, after?: number): Promise<string[]> => {
      const lines: string[] = [];
      const { signal } = new AbortController();
      for await (const l of jet.logs.read(run, { after, signal })) lines.push(`${l.offset} ${l.text}`);
      return lines;
    };

    it('numbers the lines of a run, and reads from any of them', async () => {
      expect(await readLog('log1')).toEqual([]);
      await jet.logs.append('log1', [line('a'), line('b')]);
      await jet.logs.append('log1', [line('c')]);
      expect(await readLog('log1')).toEqual(['0 a', '1 b', '2 c']);
      expect(await readLog('log1', 1)).toEqual(['2 c']);
    });

    it('follows a log until its end, over attempts', async () => {
      const got = inbox<string>();
      await jet.logs.append('log2', [line('first attempt')]);
      await jet.logs.end('log2');
      await jet.logs.append('log2', [line('second attempt')]);
      const following = (async () => {
        const { signal } = new AbortController();
        for await (const l of jet.logs.read('log2', { follow: true, signal })) got.push(l.text);
      })();
      expect([await got.next(), await got.next()]).toEqual(['first attempt', 'second attempt']);
      await jet.logs.append('log2', [line('goes on')]);
      await jet.logs.end('log2');
      await following;
      expect(got.all.at(-1)).toBe('goes on');
    });

    it('ends a follower that is not wanted any more', async () => {
      const stop = new AbortController();
      const following = jet.logs.read('log3', { follow: true, signal: stop.signal })[Symbol.asyncIterator]();
      const next = following.next();
      stop.abort();
      expect((await next).done).toBe(true);
    });

    it('finds a blob by its digest', async () => {
      const blobs = jet.blobs('contexts');
      const content = Buffer.alloc(700_000, 'plinth');
      const { digest, bytes: size } = await blobs.put(Readable.from([content]), { maxBytes: 1_000_000 });
      expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(size).toBe(700_000);
      expect(await blobs.put(content, { maxBytes: 1_000_000 })).toEqual({ digest, bytes: size });
      expect(await blobs.has(digest)).toBe(true);
      expect((await buffer(await blobs.get(digest))).equals(content)).toBe(true);
      expect(await blobs.list()).toMatchObject([{ digest, bytes: size }]);
      await blobs.delete(digest);
      await blobs.delete(digest);
      expect(await blobs.has(digest)).toBe(false);
      await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it('refuses a blob that is too large, and keeps nothing of it', async () => {
      const blobs = jet.blobs('contexts');
      const upload = blobs.put(Readable.from([bytes('too'), bytes(' long')]), { maxBytes: 5 });
      await expect(upload).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
      expect(await blobs.list()).toEqual([]);
    });

    it('keeps values under any key, with revisions', async () => {
      const kv = jet.kv('secrets');
      const key = 'registry.local:5000/team a';
      expect(await kv.get(key)).toBeUndefined();
      const first = await kv.create(key, bytes('one'));
      await expect(kv.create(key, bytes('two'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
      const second = await kv.update(key, bytes('two'), first);
      await expect(kv.update(key, bytes('three'), first)).rejects.toMatchObject({ code: 'CONFLICT' });
      const got = await kv.get(key);
      expect([text(got?.value), got?.revision]).toEqual(['two', second]);
      expect((await kv.entries()).map((e) => [e.key, text(e.value)])).toEqual([[key, 'two']]);
      await kv.delete(key);
      await kv.delete('nothing');
      expect(await kv.get(key)).toBeUndefined();
      expect(await kv.entries()).toEqual([]);
      expect(await kv.create(key, bytes('anew'))).toBeGreaterThan(second);
    });

    it('tells a watcher what there is, and then what changes', async () => {
      const kv = jet.kv('tokens');
      await kv.put('a', bytes('1'));
      const changes = inbox<KvChange>();
      const stop = new AbortController();
      await kv.watch((change) => changes.push(change), stop.signal);
      expect(changes.all.map((c) => [c.key, text(c.value)])).toEqual([['a', '1']]);
      await changes.next();
      await kv.put('b', bytes('2'));
      await kv.delete('a');
      expect([await changes.next(), await changes.next()].map((c) => [c.key, text(c.value)])).toEqual([
        ['b', '2'],
        ['a', undefined],
      ]);
      stop.abort();
    });

    it('tells a watcher of a value whose time is up', async () => {
      const kv = jet.kv('short', { ttlMs: 300 });
      const changes = inbox<KvChange>();
      const stop = new AbortController();
      await kv.watch((change) => changes.push(change), stop.signal);
      await kv.put('builder.1', bytes('here'));
      expect(text((await changes.next()).value)).toBe('here');
      expect(await changes.next()).toMatchObject({ key: 'builder.1' });
      expect(changes.all.at(-1)?.value).toBeUndefined();
      stop.abort();
    });
  });
};
