import type { Database, Statement } from 'better-sqlite3';
import type { Projection, RecordedEvent } from '#libs/event-log';
import { WatchList, type Obligation, type WatchedRun, type WatchedTask } from './watch-list.js';

/** The watch list, stored row by row as it changes. */
export class WatchListProjection implements Projection {
  readonly name = 'watch-list';
  readonly version = 1;
  readonly schema = `
    CREATE TABLE IF NOT EXISTS watched_task (name TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS watched_run (run TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS obligation (run TEXT NOT NULL, reference TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, reference)) WITHOUT ROWID;
  `;
  private sql!: Record<'task' | 'run' | 'dropRun' | 'owe' | 'answer', Statement>;

  readonly list = new WatchList({
    saveTask: (task) => this.sql.task.run(task.name, JSON.stringify(task)),
    saveRun: (run) => this.sql.run.run(run.run, JSON.stringify(run)),
    dropRun: (run) => this.sql.dropRun.run(run),
    saveObligation: ({ run, reference, digest }) => this.sql.owe.run(run, reference, digest),
    dropObligation: ({ run, reference }) => this.sql.answer.run(run, reference),
  });

  open(db: Database): void {
    this.sql = {
      task: db.prepare('INSERT OR REPLACE INTO watched_task VALUES (?, ?)'),
      run: db.prepare('INSERT OR REPLACE INTO watched_run VALUES (?, ?)'),
      dropRun: db.prepare('DELETE FROM watched_run WHERE run = ?'),
      owe: db.prepare('INSERT OR REPLACE INTO obligation VALUES (?, ?, ?)'),
      answer: db.prepare('DELETE FROM obligation WHERE run = ? AND reference = ?'),
    };
    const all = <T>(table: string) =>
      (db.prepare(`SELECT facts FROM ${table}`).all() as { facts: string }[]).map(
        ({ facts }) => JSON.parse(facts) as T,
      );
    const obligations = db.prepare('SELECT run, reference, digest FROM obligation').all() as Obligation[];
    this.list.restore(all<WatchedTask>('watched_task'), all<WatchedRun>('watched_run'), obligations);
  }

  apply(event: RecordedEvent): void {
    this.list.apply(event);
  }
}
