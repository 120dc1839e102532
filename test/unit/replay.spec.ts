import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputDecider, runDecider } from '#libs/domain';
import { AggregateStore, type Projection, type RecordedEvent } from '#libs/event-log';
import { RegistryDirectory } from '#libs/registries';
import { repositoryRoot } from '#libs/testing';
import { AdoptedImages } from '../../apps/builder/src/projection/adopted-images.js';
import { Published } from '../../apps/builder/src/projection/published.js';
import { evaluate } from '../../apps/graph/src/model/evaluate.js';
import { GraphProjection } from '../../apps/graph/src/projection/graph-projection.js';
import { rebuildDecider } from '../../apps/graph/src/rebuilds/rebuild.decider.js';
import { waveDecider } from '../../apps/graph/src/waves/wave.decider.js';
import { attend } from '../../apps/scheduler/src/admission/attend.js';
import { emptyBook } from '../../apps/scheduler/src/admission/offers.js';
import { SchedulerProjection } from '../../apps/scheduler/src/projection/scheduler-projection.js';
import { taskDecider } from '../../apps/scheduler/src/tasks/task.decider.js';
import { webhookDecider } from '../../apps/scheduler/src/webhooks/webhook.decider.js';
import { policyDecider } from '../../apps/watcher/src/policy/policy.decider.js';
import { registryDecider } from '../../apps/watcher/src/registries/registry.decider.js';
import { tagDecider } from '../../apps/watcher/src/tags/tag.decider.js';
import { WatchListProjection } from '../../apps/watcher/src/watchlist/watch-list-projection.js';
import { rowsOf } from '../support/rows.js';
import { simulatedEvents } from './simulated-events.js';

/** Every projection of the four services. */
const projections = {
  GraphProjection: () => new GraphProjection(),
  SchedulerProjection: () => new SchedulerProjection(),
  WatchListProjection: () => new WatchListProjection(),
  AdoptedImages: () => new AdoptedImages(),
  Published: () => new Published(),
  RegistryDirectory: () => new RegistryDirectory({ secrets: { open: async () => '' } }),
  rebuildDecider: () => new AggregateStore(rebuildDecider),
  waveDecider: () => new AggregateStore(waveDecider),
  outputDecider: () => new AggregateStore(outputDecider),
  taskDecider: () => new AggregateStore(taskDecider),
  runDecider: () => new AggregateStore(runDecider),
  webhookDecider: () => new AggregateStore(webhookDecider),
  tagDecider: () => new AggregateStore(tagDecider),
  registryDecider: () => new AggregateStore(registryDecider),
  policyDecider: () => new AggregateStore(policyDecider),
} satisfies Record<string, () => Projection>;

/** It keeps no facts of the log. */
const caches = ['LookMemory'];

/** Where a batch ends, as a share of the log, and whether the process ends there, too. */
interface Cut {
  readonly at: number;
  readonly restart: boolean;
}

/** The bytes that a projection has made of a log that came in these batches. */
const replayed = (make: () => Projection, events: readonly RecordedEvent[], cuts: readonly Cut[]): string => {
  const db = new Database(':memory:');
  const open = () => {
    const made = make();
    if (made.schema.trim() !== '') db.exec(made.schema);
    made.open?.(db);
    return made;
  };
  let projection = open();
  let from = 0;
  const batch = (to: number) => {
    if (to <= from) return;
    db.transaction(() => {
      for (const event of events.slice(from, to)) projection.apply(event);
      projection.flush?.();
    })();
    from = to;
  };
  for (const { at, restart } of [...cuts].sort((a, b) => a.at - b.at)) {
    batch(Math.floor(at * events.length));
    if (restart) projection = open();
  }
  batch(events.length);
  const rows = rowsOf(db);
  db.close();
  return rows;
};

const logs = new Map<number, RecordedEvent[]>();
const logOf = (seed: number): RecordedEvent[] => {
  const log = logs.get(seed) ?? simulatedEvents(seed);
  logs.set(seed, log);
  return log;
};

const seeds = fc.noShrink(fc.integer({ min: 1, max: 100_000 }));
const place = fc.integer({ min: 0, max: 1000 }).map((thousandth) => thousandth / 1000);
const cuts = fc.array(fc.record({ at: place, restart: fc.boolean() }), { maxLength: 12 });
const alike = (make: () => Projection, numRuns: number) =>
  fc.assert(
    fc.property(seeds, cuts, (seed, places) => {
      const events = logOf(seed);
      return replayed(make, events, places) === replayed(make, events, []);
    }),
    { numRuns },
  );

describe('a log that is replayed', () => {
  for (const [name, make] of Object.entries(projections)) {
    it(`gives the bytes that there were, whatever its batches and restarts: ${name}`, () => {
      alike(make, Number(process.env.PLINTH_SIM_SEEDS ?? 20));
    }, 60_000);
  }

  it('is told from one that gives others: a projection that counts its batches is found out', () => {
    class Counting extends Published {
      private batches = 0;
      private db!: Database.Database;
      override open(db: Database.Database): void {
        super.open(db);
        this.db = db;
        db.exec('CREATE TABLE IF NOT EXISTS batches (n INTEGER)');
      }
      flush(): void {
        this.batches += 1;
        this.db.prepare('DELETE FROM batches').run();
        this.db.prepare('INSERT INTO batches VALUES (?)').run(this.batches);
      }
    }
    expect(() => alike(() => new Counting(), 20)).toThrow(/Property failed/);
  });

  it('has rows, and others when it is longer', () => {
    const events = logOf(3);
    const ends = Array.from({ length: 10 }, (_, part) => Math.floor((events.length * (part + 1)) / 10));
    for (const make of [projections.GraphProjection, projections.SchedulerProjection, projections.Published]) {
      expect(new Set(ends.map((end) => replayed(make, events.slice(0, end), []))).size).toBe(ends.length);
    }
  });

  it('is tried with every projection that there is', () => {
    const found = sourcesOf(['apps', 'libs']).flatMap((text) => [
      ...[...text.matchAll(/class (\w+) implements Projection/g)].map(([, name]) => name!),
      ...[...text.matchAll(/new AggregateStore\((\w+)/g)].map(([, name]) => name!),
    ]);
    // The store itself is one for each decider; builders of services name theirs by structure.
    const known = new Set([...Object.keys(projections), ...caches, 'AggregateStore']);
    expect([...new Set(found)].filter((name) => !known.has(name))).toEqual([]);
  });
});

/** What a graph and a scheduler that have read the log say of it, at its head. */
const said = (events: readonly RecordedEvent[]): unknown[] => {
  const now = Date.parse(events.at(-1)!.time);
  const graph = new GraphProjection();
  const scheduler = new SchedulerProjection();
  const stores = {
    rebuilds: new AggregateStore(rebuildDecider),
    tasks: new AggregateStore(taskDecider),
    runs: new AggregateStore(runDecider),
  };
  const db = new Database(':memory:');
  const all: Projection[] = [graph, scheduler, ...Object.values(stores)];
  for (const projection of all) {
    db.exec(projection.schema);
    projection.open?.(db);
  }
  db.transaction(() => {
    for (const event of events) for (const projection of all) projection.apply(event);
    for (const projection of all) projection.flush?.();
  })();
  const offers = [...graph.model.tasks.values()].flatMap((task) =>
    rebuildDecider.decide(
      {
        task: task.name,
        evaluation: evaluate(task, graph.model.images, now),
        offerOver: task.offer?.over ?? true,
        basis: events.length,
        waves: [],
      },
      stores.rebuilds.get(task.name).state,
    ),
  );
  const names = [...graph.model.tasks.values()].map(({ name }) => name);
  const steps = names.flatMap(
    (task) =>
      attend({
        task,
        book: scheduler.books.get(task) ?? emptyBook,
        state: stores.tasks.get(task).state,
        runs: scheduler.activeRunsOf(task).map((run) => ({ run, state: stores.runs.get(run).state })),
        now,
      }).steps,
  );
  db.close();
  return [...offers, ...steps];
};

describe('a service that has read the log anew', () => {
  it('has nothing to say: whatever follows from the log is in it', () => {
    for (let seed = 1; seed <= 40; seed += 1) expect(said(logOf(seed)), `seed ${seed}`).toEqual([]);
  });

  it('says again what is cut off the end', () => {
    let again = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const events = logOf(seed);
      const last = events.findLastIndex(({ type }) => type === 'rebuild.due');
      if (last > 0 && said(events.slice(0, last)).length > 0) again += 1;
    }
    expect(again).toBeGreaterThan(20);
  });
});

function sourcesOf(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(repositoryRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/\/testing\/|\/conformance\//.test(path))
      .map((path) => readFileSync(path, 'utf8')),
  );
}
