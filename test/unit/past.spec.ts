import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventLog, LogRange, ReadOptions, RecordedEvent } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import { stateOf } from '../../apps/graph/src/answers/state.js';
import { defaultPatience } from '../../apps/graph/src/model/evaluate.js';
import { GraphProjection } from '../../apps/graph/src/projection/graph-projection.js';
import type { GraphView } from '../../apps/graph/src/view/graph-view.js';
import { Past } from '../../apps/graph/src/view/past.js';
import { simulatedEvents } from './simulated-events.js';

/** A log that was written already. */
class WrittenLog implements Pick<EventLog, 'range' | 'read'> {
  reads = 0;
  constructor(
    readonly events: readonly RecordedEvent[],
    private readonly first = 1,
  ) {}

  async range(): Promise<LogRange> {
    return { first: this.first, last: this.events.at(-1)?.sequence ?? 0 };
  }

  async *read({ after }: ReadOptions) {
    this.reads += 1;
    const rest = this.events.filter(({ sequence }) => sequence > after);
    for (let at = 0; at < rest.length; at += 7) yield { events: rest.slice(at, at + 7), caughtUp: false };
    throw new Error('The past waits for what has not happened yet.');
  }
}

// The simulator leaves gaps for what no service reads; a log has none.
const history = simulatedEvents(5).map((event, at): RecordedEvent => ({ ...event, sequence: at + 1 }));
const last = history.length;
const end = Date.parse(history.at(-1)!.time);

const pastOf = (log = new WrittenLog(history)) => {
  const clock = new FakeClock(new Date(end + 1000));
  return { log, clock, past: new Past(log as unknown as EventLog, clock, defaultPatience) };
};

const shown = ({ projection, position }: Pick<GraphView, 'projection' | 'position'>) => ({
  position,
  states: projection.model.tasksByName().map((task) => [task.name, task.definition && stateOf(task), task.pending]),
});

/** What was shown after each event, by a graph that went along. */
const along = (() => {
  const projection = new GraphProjection();
  const db = new Database(':memory:');
  db.exec(projection.schema);
  projection.open(db);
  return [
    shown({ projection, position: 0 }),
    ...history.map((event) => {
      projection.apply(event);
      projection.flush();
      return shown({ projection, position: event.sequence });
    }),
  ];
})();

describe('the past', () => {
  it('is what was shown then, at whatever positions it is asked for, in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(last), { minLength: 1, maxLength: 5 }), async (positions) => {
        const { past } = pastOf();
        for (const position of positions) {
          expect(await past.answer(String(position), shown)).toEqual(along[position]);
        }
        past.close();
      }),
      { numRuns: 25 },
    );
  });

  it('is asked for by time: the last event that is not later', async () => {
    const { past } = pastOf();
    for (const at of [0, Math.floor(last / 3), last - 1]) {
      const time = Date.parse(history[at]!.time);
      const before = history.findLastIndex((event) => Date.parse(event.time) <= time) + 1;
      const then = await past.answer(new Date(time).toISOString(), (view) => ({ ...shown(view), now: view.now }));
      expect(then).toEqual({ ...along[before], now: time });
    }
    expect(await past.answer('1969-12-31T23:59:59Z', shown)).toEqual(along[0]);
    past.close();
  });

  it('is replayed once for the pages of one answer, and goes on from there for a later moment', async () => {
    const { past, log } = pastOf();
    await past.answer('20', shown);
    await past.answer('20', shown);
    expect(log.reads).toBe(1);
    await Promise.all([past.answer('30', shown), past.answer('25', shown)]);
    expect(log.reads).toBe(3);
    past.close();
  });

  it('is forgotten when nobody asks for ten minutes', async () => {
    const { past, log, clock } = pastOf();
    await past.answer('20', shown);
    await clock.advance(600_001);
    expect(await past.answer('20', shown)).toEqual(along[20]);
    expect(log.reads).toBe(2);
    past.close();
  });

  it('has an end, a beginning, and names', async () => {
    const { past } = pastOf();
    const refused = (asOf: string) => past.answer(asOf, shown).catch((error: Error) => error.message);
    expect(await refused(String(last + 1))).toBe(`The log ends at ${last}; there is no position ${last + 1} yet.`);
    expect(await refused('2999-01-01T00:00:00Z')).toMatch(/is in the future/);
    expect(await refused('2026-13-01T00:00:00Z')).toMatch(/is no time/);
    const cut = pastOf(new WrittenLog(history, 10)).past;
    await expect(cut.answer('20', shown)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });
});
