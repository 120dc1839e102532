import { describe, expect, it } from 'vitest';
import type { EventView } from '#libs/contracts';
import { MemoryEventLog, type RecordedEvent } from '#libs/event-log';
import type { CallContext } from '#libs/service';
import { EventHandlers, eventFilter } from './event-handlers.js';

const of = (type: string) => ({ type, aggregate: { kind: type.split('.')[0], id: 'x' } }) as RecordedEvent;

describe('a filter of events', () => {
  it('lets all through when nothing is said', () => {
    for (const types of [undefined, '', ' , ']) expect(eventFilter(types)(of('tag.moved'))).toBe(true);
  });

  it('takes types and aggregates', () => {
    const wanted = eventFilter('tag.moved, run');
    expect(['tag.moved', 'run.queued', 'run.succeeded'].every((type) => wanted(of(type)))).toBe(true);
    expect(['tag.adopted', 'task.created'].some((type) => wanted(of(type)))).toBe(false);
  });

  it('refuses what there is not, and names it', () => {
    for (const types of ['tag.flown', 'ta', 'tag.moved,runs', 'tag.']) {
      expect(() => eventFilter(types)).toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          violations: [expect.objectContaining({ field: 'types' })],
        }),
      );
    }
  });
});

describe('the stream of events', () => {
  const reference = 'docker.io/library/node:22';
  const filled = async (): Promise<MemoryEventLog> => {
    const log = new MemoryEventLog();
    for (const [index, run] of ['r1', 'r2', 'r3'].entries()) {
      await log.append({ kind: 'tag', id: reference }, index, [
        { id: run, type: 'tag.confirmed', data: { reference, digest: null, run } },
      ]);
    }
    return log;
  };
  const read = async (
    log: MemoryEventLog,
    count: number,
    input: Parameters<EventHandlers['watchEvents']>[0],
    lastEventId?: number,
  ): Promise<EventView[]> => {
    const stop = new AbortController();
    const call = { signal: stop.signal, ...(lastEventId === undefined ? {} : { lastEventId }) } as CallContext;
    const found: EventView[] = [];
    for await (const event of new EventHandlers(log).watchEvents(input, call)) {
      found.push(event);
      if (found.length === count) stop.abort();
    }
    return found;
  };

  it('begins after the position that is named; the id of a broken stream wins', async () => {
    const log = await filled();
    expect((await read(log, 3, { after: 0 })).map(({ id }) => id)).toEqual(['r1', 'r2', 'r3']);
    expect((await read(log, 1, { after: 0 }, 2)).map(({ position, id }) => [position, id])).toEqual([[3, 'r3']]);
  });

  it('begins with what happens next when nothing is named', async () => {
    const log = await filled();
    const next = read(log, 1, {});
    await new Promise((resolve) => setImmediate(resolve));
    await log.append({ kind: 'tag', id: reference }, 3, [{ id: 'e4', type: 'tag.unwatched', data: { reference } }]);
    expect(await next).toMatchObject([{ position: 4, type: 'tag.unwatched', subject: reference, data: { reference } }]);
  });

  it('says where the log begins or ends when that is asked for which is not there', async () => {
    const log = await filled();
    await expect(read(log, 1, { after: 9 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await log.purge(3);
    await expect(read(log, 1, { after: 0 })).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('the log begins at 3'),
    });
    expect(await read(log, 1, { after: 2 })).toMatchObject([{ id: 'r3' }]);
  });
});
