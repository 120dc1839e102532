import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#libs/event-log';
import { GraphProjection } from '../../apps/graph/src/projection/graph-projection.js';
import { simulatedEvents } from './simulated-events.js';

/** Each table with its key. */
const tables = {
  graph_page: 'part, page',
  graph_definition: 'task',
  graph_scan: 'task',
  graph_standing: 'task',
  graph_motion: 'task',
  graph_adoption: 'image, position',
  graph_wave: 'id',
  graph_wave_page: 'wave, part, page',
  graph_wave_run: 'wave, member',
  graph_run: 'run',
  graph_pushed: 'reference, digest',
  graph_shown: 'reference',
  graph_used: 'digest, run',
  graph_part: 'digest, whole',
};

/** The projection as the projector runs it: each batch one transaction; it may be restarted between batches. */
class Stored {
  private readonly db = new Database(':memory:');
  projection = this.open();

  private open(): GraphProjection {
    const projection = new GraphProjection();
    this.db.exec(projection.schema);
    projection.open(this.db);
    return projection;
  }

  restart(): void {
    this.projection = this.open();
  }

  batch(events: readonly RecordedEvent[]): void {
    this.db.transaction(() => {
      for (const event of events) this.projection.apply(event);
      this.projection.flush();
    })();
  }

  rows(): Record<string, unknown[]> {
    return Object.fromEntries(
      Object.entries(tables).map(([table, key]) => [
        table,
        this.db.prepare(`SELECT * FROM ${table} ORDER BY ${key}`).all(),
      ]),
    );
  }

  /** What is derived and not stored. */
  derived(): unknown {
    const { model, waves } = this.projection;
    const names = (tasks: Iterable<{ name: string }>) => [...tasks].map(({ name }) => name).sort();
    return {
      tasks: [...model.tasks.values()]
        .map((task) => ({
          name: task.name,
          tracked: [...task.tracked.keys()].sort(),
          untracked: [...task.untracked].sort(),
          up: names(task.up),
          down: names(task.down),
          inLoop: task.component !== null,
          tracksItself: task.tracksItself,
          stale: task.stale,
          automatic: task.automatic,
          pending: task.pending,
          unsettled: task.unsettled,
          pendingUp: task.pendingUp,
          unsettledUp: task.unsettledUp,
          unsettledSince: task.unsettledSince,
          waves: [...task.waves],
          runs: [...task.runs.values()].map((run) => ({ ...run, answered: [...run.answered] })),
          unanswered: task.unanswered && [...task.unanswered.references],
          offer: task.offer && { ...task.offer },
          failures: task.failures && { ...task.failures },
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      images: [...model.images.values()]
        .filter(({ adoptions, producers, consumers }) => adoptions.length + producers.size + consumers.size > 0)
        .map(({ reference, producers, consumers, others }) => ({
          reference,
          others: names(others ?? []),
          producers: names(producers),
          consumers: names(consumers),
        }))
        .sort((a, b) => (a.reference < b.reference ? -1 : 1)),
      waves: [...waves.waves.keys()].sort(),
    };
  }
}

/** The simulator knows no waves: each is said in the log right after the event that opened or closed it. */
const withWaves = (events: readonly RecordedEvent[]): RecordedEvent[] => {
  const stored = new Stored();
  const all: RecordedEvent[] = [];
  const put = (event: RecordedEvent): void => {
    all.push(event);
    stored.batch([event]);
  };
  for (const event of events) {
    put(event);
    for (const { id, announced, closedAt, closeAnnounced } of stored.projection.waves.waves.values()) {
      const say = (type: 'wave.opened' | 'wave.closed') =>
        put({
          ...event,
          type,
          sequence: event.sequence + 0.5,
          aggregate: { kind: 'wave', id },
          data: { wave: id },
        } as RecordedEvent);
      if (!announced) say('wave.opened');
      if (closedAt !== null && !closeAnnounced) say('wave.closed');
    }
  }
  return all;
};

const histories = new Map<number, RecordedEvent[]>();
const historyOf = (seed: number): RecordedEvent[] => {
  const known = histories.get(seed) ?? withWaves(simulatedEvents(seed));
  histories.set(seed, known);
  return known;
};
const seeds = fc.noShrink(fc.integer({ min: 1, max: 100_000 }));
const runs = { numRuns: Number(process.env.PLINTH_SIM_SEEDS ?? 50) };

/** Applies all events in batches that end at the given places; restarts after those that are told to. */
const play = (events: readonly RecordedEvent[], cuts: readonly { at: number; restart: boolean }[]): Stored => {
  const stored = new Stored();
  let from = 0;
  for (const { at, restart } of [...cuts].sort((a, b) => a.at - b.at)) {
    const to = Math.floor(at * events.length);
    if (to > from) stored.batch(events.slice(from, to));
    from = Math.max(from, to);
    if (restart) stored.restart();
  }
  stored.batch(events.slice(from));
  return stored;
};

const place = fc.integer({ min: 0, max: 1000 }).map((thousandth) => thousandth / 1000);

describe('the stored graph', () => {
  it('has the same rows however the log was cut into batches', () => {
    fc.assert(
      fc.property(seeds, fc.array(place, { maxLength: 30 }), (seed, places) => {
        const events = historyOf(seed);
        const whole = play(events, []);
        const cut = play(
          events,
          places.map((at) => ({ at, restart: false })),
        );
        expect(cut.rows()).toEqual(whole.rows());
        expect(cut.derived()).toEqual(whole.derived());
      }),
      runs,
    );
  }, 120_000);

  it('knows after a restart, anywhere, what it would know had it gone on', () => {
    fc.assert(
      fc.property(seeds, fc.array(place, { minLength: 1, maxLength: 12 }), (seed, places) => {
        const events = historyOf(seed);
        const never = play(events, []);
        const often = play(
          events,
          places.map((at) => ({ at, restart: true })),
        );
        expect(often.derived()).toEqual(never.derived());
        expect(often.rows()).toEqual(never.rows());
      }),
      runs,
    );
  }, 120_000);

  it('knows right after a restart what it knew right before, at every event of a history', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const stored = new Stored();
      for (const event of historyOf(seed)) {
        stored.batch([event]);
        const before = stored.derived();
        stored.restart();
        expect(stored.derived(), `seed ${seed}, after event ${event.sequence} ${event.type}`).toEqual(before);
      }
    }
  }, 120_000);
});
