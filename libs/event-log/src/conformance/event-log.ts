import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLog, NewEvent } from '../log.js';
import { attributesOf, confirmed, openReader, readAll, tag, watched } from './events.js';

export interface LogUnderTest {
  readonly log: EventLog;
  /** What closing a book does to the stream. */
  purge(before: number): Promise<void>;
  close(): Promise<void>;
}

/** What every event log does, whatever it stands on. */
export const eventLogConformance = (name: string, open: () => Promise<LogUnderTest>): void => {
  describe(`${name} is an event log`, () => {
    let under: LogUnderTest;
    let log: EventLog;
    beforeEach(async () => {
      under = await open();
      log = under.log;
    });
    afterEach(() => under.close());

    const node = 'docker.io/library/node:22';

    it('is empty at first', async () => {
      expect(await log.range()).toEqual({ first: 1, last: 0 });
      expect(await log.lastOf(tag(node))).toBeUndefined();
      const reader = openReader(log, 0);
      expect(await reader.next()).toEqual({ events: [], caughtUp: true });
      await reader.close();
    });

    it('gives an event back as it was appended', async () => {
      const event: NewEvent<'tag.watched'> = {
        type: 'tag.watched',
        id: 'ü "quoted" 100%',
        time: '2026-02-03T04:05:06.789Z',
        data: { reference: node },
        causation: 'request 1',
        correlation: '漢字',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      };
      const { sequence, events } = await log.append(tag(node), 0, [event]);
      expect(sequence).toBe(1);
      const recorded = { ...event, text: JSON.stringify(event.data), sequence: 1, aggregate: tag(node) };
      expect(events.map(attributesOf)).toEqual([recorded]);
      expect((await readAll(log)).map(attributesOf)).toEqual([recorded]);
      expect(attributesOf((await log.lastOf(tag(node)))!)).toEqual(recorded);
    });

    it('appends when the aggregate is where the writer thinks it is', async () => {
      expect((await log.append(tag('a'), 0, [watched('a')])).sequence).toBe(1);
      expect((await log.append(tag('b'), 0, [watched('b')])).sequence).toBe(2);
      expect((await log.append(tag('a'), 1, [confirmed('a', 'r1'), confirmed('a', 'r2')])).sequence).toBe(4);
      expect((await log.append(tag('a'), 4, [confirmed('a', 'r3')])).sequence).toBe(5);
      expect((await readAll(log)).map((e) => [e.sequence, e.aggregate.id])).toEqual([
        [1, 'a'],
        [2, 'b'],
        [3, 'a'],
        [4, 'a'],
        [5, 'a'],
      ]);
    });

    it('refuses a writer that missed something, and says where the aggregate is', async () => {
      await log.append(tag('a'), 0, [watched('a')]);
      await log.append(tag('b'), 0, [watched('b')]);
      await log.append(tag('a'), 1, [confirmed('a', 'r1')]);
      const late = log.append(tag('a'), 1, [confirmed('a', 'r2')]);
      await expect(late).rejects.toMatchObject({ code: 'CONCURRENCY_CONFLICT', expected: 1, actual: 3 });
      const first = log.append(tag('a'), 0, [watched('a')]);
      await expect(first).rejects.toMatchObject({ code: 'CONCURRENCY_CONFLICT', actual: 3 });
      const unknown = log.append(tag('c'), 7, [watched('c')]);
      await expect(unknown).rejects.toMatchObject({ code: 'CONCURRENCY_CONFLICT', actual: 0 });
      expect((await log.range()).last).toBe(3);
    });

    it('lets one of many writers win', async () => {
      const writers = Array.from({ length: 8 }, (_, i) => log.append(tag('a'), 0, [watched('a', `writer-${i}`)]));
      const outcomes = await Promise.allSettled(writers);
      expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1);
      expect(await readAll(log)).toHaveLength(1);
    });

    it('stores an event once when its append is tried again', async () => {
      await log.append(tag('b'), 0, [watched('b')]);
      const event = watched('a', 'the-same');
      const once = await log.append(tag('a'), 0, [event]);
      const again = await log.append(tag('a'), 0, [event]);
      expect(again.sequence).toBe(once.sequence);
      expect((await log.range()).last).toBe(2);
    });

    it('stores an event once even when something came after it meanwhile', async () => {
      const event = watched('a', 'the-same');
      await log.append(tag('a'), 0, [event]);
      await log.append(tag('a'), 1, [confirmed('a', 'r1')]);
      expect((await log.append(tag('a'), 0, [event])).sequence).toBe(1);
      expect((await log.range()).last).toBe(2);
    });

    it('never suppresses a fact because its id was seen before', async () => {
      await log.append(tag('a'), 0, [confirmed('a', 'r1', 'key-A')]);
      await log.append(tag('a'), 1, [confirmed('a', 'r2', 'key-B')]);
      expect((await log.append(tag('a'), 2, [confirmed('a', 'r1', 'key-A')])).sequence).toBe(3);
      expect((await readAll(log)).map((e) => e.id)).toEqual(['key-A', 'key-B', 'key-A']);
    });

    it('refuses what the catalogue does not allow, before anything is appended', async () => {
      const wrong = (event: object): Promise<unknown> =>
        log.append(tag('a'), 0, [watched('a'), event as unknown as NewEvent]);
      await expect(wrong({ type: 'tag.watched', id: 'x', data: {} })).rejects.toMatchObject({ code: 'EVENT_INVALID' });
      await expect(wrong({ type: 'tag.watched', id: 'x', data: { reference: 'a', more: 1 } })).rejects.toThrow(
        /more is not in its schema/,
      );
      await expect(wrong({ type: 'tag.exploded', id: 'x', data: {} })).rejects.toThrow(/has no such event/);
      await expect(wrong({ type: 'wave.closed', id: 'x', data: {} })).rejects.toThrow(/an event of a wave/);
      expect((await log.range()).last).toBe(0);
    });

    it('says when a reader has caught up, and goes on with what comes after', async () => {
      await log.append(tag('a'), 0, [watched('a'), confirmed('a', 'r1')]);
      const reader = openReader(log, 0);
      expect(await reader.until(2)).toHaveLength(2);
      const next = reader.next();
      await log.append(tag('a'), 2, [confirmed('a', 'r2')]);
      expect(await next).toMatchObject({ events: [{ sequence: 3 }], caughtUp: true });
      await reader.close();
    });

    it('goes on after the position that a reader names', async () => {
      await log.append(tag('a'), 0, [watched('a'), confirmed('a', 'r1'), confirmed('a', 'r2')]);
      expect((await readAll(log, 1)).map((e) => e.sequence)).toEqual([2, 3]);
      expect(await readAll(log, 3)).toEqual([]);
    });

    it('hands out batches that are not larger than asked for', async () => {
      await log.append(
        tag('a'),
        0,
        Array.from({ length: 7 }, (_, i) => confirmed('a', `r${i}`)),
      );
      const stop = new AbortController();
      const sizes: number[] = [];
      for await (const batch of log.read({ after: 0, signal: stop.signal, maxBatch: 3 })) {
        sizes.push(batch.events.length);
        if (batch.caughtUp) break;
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(3);
      expect(sizes.reduce((a, b) => a + b)).toBe(7);
    });

    it('ends a reader that is not wanted any more, wherever it waits', async () => {
      const stop = new AbortController();
      const iterator = log.read({ after: 0, signal: stop.signal })[Symbol.asyncIterator]();
      await iterator.next();
      const waiting = iterator.next();
      stop.abort();
      expect(await waiting).toMatchObject({ done: true });
    });

    it('lets a reader go that is told to end while it is busy and more has arrived', async () => {
      await log.append(
        tag('a'),
        0,
        Array.from({ length: 7 }, (_, i) => confirmed('a', `r${i}`)),
      );
      const stop = new AbortController();
      let busy = 0;
      for await (const { events } of log.read({ after: 0, signal: stop.signal, maxBatch: 1 })) {
        busy += events.length;
        if (busy < 3) continue;
        stop.abort();
        break;
      }
      expect(busy).toBe(3);
    });

    it('refuses a position that the log never reached', async () => {
      await log.append(tag('a'), 0, [watched('a')]);
      await expect(openReader(log, 2).next()).rejects.toMatchObject({ code: 'POSITION_AHEAD' });
    });

    it('refuses a position whose events are in a closed book', async () => {
      await log.append(tag('a'), 0, [watched('a'), confirmed('a', 'r1'), confirmed('a', 'r2')]);
      await under.purge(3);
      expect(await log.range()).toEqual({ first: 3, last: 3 });
      await expect(openReader(log, 0).next()).rejects.toMatchObject({ code: 'POSITION_PURGED' });
      expect((await readAll(log, 2)).map((e) => e.sequence)).toEqual([3]);
    });

    it('keeps counting when every event is in a closed book', async () => {
      await log.append(tag('a'), 0, [watched('a')]);
      await under.purge(2);
      expect(await log.range()).toEqual({ first: 2, last: 1 });
      expect((await log.append(tag('b'), 0, [watched('b')])).sequence).toBe(2);
      expect((await readAll(log, 1)).map((e) => e.sequence)).toEqual([2]);
    });
  });
};
