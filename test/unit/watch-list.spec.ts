import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#libs/event-log';
import { GraphModel } from '../../apps/graph/src/model/graph-model.js';
import { WatchListProjection } from '../../apps/watcher/src/watchlist/watch-list-projection.js';
import { simulatedEvents } from './simulated-events.js';

/** The watch list as the watcher stores it; it may be restarted between events. */
class Stored {
  private readonly db = new Database(':memory:');
  projection = this.open();

  private open(): WatchListProjection {
    const projection = new WatchListProjection();
    this.db.exec(projection.schema);
    projection.open(this.db);
    return projection;
  }

  restart(): void {
    this.projection = this.open();
  }

  apply(event: RecordedEvent): void {
    this.projection.apply(event);
  }

  get list() {
    return this.projection.list;
  }

  /** What is watched, by how many tasks, and what is owed. */
  known(): unknown {
    const { list } = this;
    return {
      watched: [...list.references()].sort().map((reference) => [reference, list.trackersOf(reference)]),
      owed: [...list.debts()].sort().map((reference) => [reference, list.owedOf(reference)]),
    };
  }

  rows(): unknown {
    return ['watched_task', 'watched_run', 'obligation'].map((table) =>
      this.db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all(),
    );
  }
}

const seeds = fc.noShrink(fc.integer({ min: 1, max: 100_000 }));
const runs = { numRuns: Number(process.env.PLINTH_SIM_SEEDS ?? 50) };

describe('the watch list', () => {
  it('knows after a restart, anywhere, what it would know had it gone on', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.nat(300), { maxLength: 10 }), (seed, restarts) => {
        const [never, often] = [new Stored(), new Stored()];
        for (const [index, event] of simulatedEvents(seed).entries()) {
          never.apply(event);
          often.apply(event);
          if (restarts.includes(index)) often.restart();
          expect(often.known()).toEqual(never.known());
        }
        expect(often.rows()).toEqual(never.rows());
      }),
      runs,
    );
  }, 120_000);

  it('watches what the graph tracks, and owes what the graph waits for, after every event', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stored = new Stored();
        const graph = new GraphModel();
        for (const event of simulatedEvents(seed)) {
          stored.apply(event);
          graph.apply(event);
          const tracked = [...graph.images.values()].filter(({ consumers }) => consumers.size > 0);
          expect([...stored.list.references()].sort(), `seed ${seed} at ${event.sequence}`).toEqual(
            tracked.map(({ reference }) => reference).sort(),
          );
          for (const task of graph.tasks.values()) {
            for (const reference of task.unanswered?.references ?? []) {
              expect(
                stored.list.owes(reference, task.unanswered!.run),
                `seed ${seed} at ${event.sequence}: ${task.name} waits for an answer about ${reference}`,
              ).toBe(true);
            }
          }
        }
      }),
      runs,
    );
  }, 120_000);

  it('owes each answer once: what was answered is never owed again', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stored = new Stored();
        const answered = new Set<string>();
        for (const event of simulatedEvents(seed)) {
          stored.apply(event);
          if (event.type === 'tag.adopted' || event.type === 'tag.held' || event.type === 'tag.confirmed') {
            if (event.data.run) answered.add(`${event.data.reference} ${event.data.run}`);
          }
          for (const reference of stored.list.debts()) {
            for (const { run } of stored.list.owedOf(reference)) {
              expect(answered.has(`${reference} ${run}`), `seed ${seed}: ${run} owed ${reference} twice`).toBe(false);
            }
          }
        }
      }),
      runs,
    );
  }, 120_000);
});
