import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { RecordedEvent } from '#libs/event-log';
import { GraphProjection } from '../../../apps/graph/src/projection/graph-projection.js';
import type { Estate } from './estate.js';

const openIn = (folder: string): Database.Database => {
  const file = readdirSync(folder).find((name) => name.endsWith('.sqlite'));
  if (file === undefined) throw new Error(`The service left no database in ${folder}.`);
  const db = new Database(join(folder, file));
  // As the projector has it.
  db.pragma('wal_autocheckpoint = 16384');
  return db;
};

/** Reads every row of every table. */
export const readRows = (folder: string): void => {
  const db = openIn(folder);
  try {
    const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all() as string[];
    for (const table of tables) for (const _row of db.prepare(`SELECT * FROM ${table}`).iterate());
  } finally {
    db.close();
  }
};

/** Writes one row of a task anew at a time; answers milliseconds of each. */
export const bareChanges = (folder: string, count: number): number[] => {
  const db = openIn(folder);
  try {
    db.pragma('synchronous = OFF');
    const rows = db.prepare('SELECT * FROM graph_definition LIMIT ?').raw().all(count) as [
      number,
      string,
      number,
      string,
    ][];
    const put = db.prepare('INSERT OR REPLACE INTO graph_definition VALUES (?, ?, ?, ?)');
    const change = db.transaction((row: readonly unknown[]) => put.run(...row));
    return rows.map((row) => {
      const began = performance.now();
      change(row);
      return performance.now() - began;
    });
  } finally {
    db.close();
  }
};

/**
 * Changes one edge at a time in the graph that a service left on its disk, as its projector would: model and rows, each
 * in a transaction of its own that is not waited for.
 *
 * @returns milliseconds of each
 */
export const edgeChanges = (folder: string, estate: Estate, count: number): number[] => {
  const db = openIn(folder);
  try {
    db.pragma('synchronous = OFF');
    const projection = new GraphProjection();
    projection.open(db);
    const taken: number[] = [];
    for (let at = 0; at < count; at += 1) {
      // Spread over all levels, from the front of each, where most stands on them.
      const proposed = estate.otherInput((at * 7919) % estate.tasks);
      const event = {
        ...proposed,
        sequence: 1_000_000_000 + at,
        aggregate: { kind: 'task', id: proposed.data.task },
      } as unknown as RecordedEvent;
      const began = performance.now();
      db.transaction(() => {
        projection.apply(event);
        projection.flush();
      })();
      taken.push(performance.now() - began);
      projection.takeUndecided();
    }
    return taken;
  } finally {
    db.close();
  }
};
