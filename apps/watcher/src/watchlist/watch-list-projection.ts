import type { Database, Statement } from 'better-sqlite3';
import type { Projection, RecordedEvent } from '#libs/event-log';
import { WatchList, type Obligation, type WatchedRun, type WatchedTask } from './watch-list.js';

/** Facts of tasks that stay parsed in memory: those that change are soon asked for again. */
const recentKept = 1_000;

/** The watch list, stored row by row as it changes. */
export class WatchListProjection implements Projection {
  readonly name = 'watch-list';
  readonly version = 2;
  readonly schema = `
    CREATE TABLE IF NOT EXISTS watched_task (name TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS watched_run (run TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS obligation (run TEXT NOT NULL, reference TEXT NOT NULL, digest TEXT NOT NULL, urgent INTEGER NOT NULL, PRIMARY KEY (run, reference));
  `;
  private sql!: Record<'facts' | 'task' | 'run' | 'dropRun' | 'owe' | 'answer', Statement>;

  private readonly recent = new Map<string, WatchedTask>();

  readonly list = new WatchList({
    task: (name) => this.task(name),
    saveTask: (task) => {
      this.keep(task);
      this.sql.task.run(task.name, JSON.stringify(task));
    },
    saveRun: (run) => this.sql.run.run(run.run, JSON.stringify(run)),
    dropRun: (run) => this.sql.dropRun.run(run),
    saveObligation: ({ run, reference, digest, urgent }) => this.sql.owe.run(run, reference, digest, urgent ? 1 : 0),
    dropObligation: ({ run, reference }) => this.sql.answer.run(run, reference),
  });

  open(db: Database): void {
    this.sql = {
      facts: db.prepare('SELECT facts FROM watched_task WHERE name = ?'),
      task: db.prepare('INSERT OR REPLACE INTO watched_task VALUES (?, ?)'),
      run: db.prepare('INSERT OR REPLACE INTO watched_run VALUES (?, ?)'),
      dropRun: db.prepare('DELETE FROM watched_run WHERE run = ?'),
      owe: db.prepare('INSERT OR REPLACE INTO obligation VALUES (?, ?, ?, ?)'),
      answer: db.prepare('DELETE FROM obligation WHERE run = ? AND reference = ?'),
    };
    this.recent.clear();
    // In the order in which they arose: of two runs that pushed the same digest the later one is its pusher.
    const owed = db.prepare('SELECT run, reference, digest, urgent FROM obligation ORDER BY rowid').all();
    const obligations = (owed as (Omit<Obligation, 'urgent'> & { urgent: number })[]).map((one) => ({
      ...one,
      urgent: one.urgent === 1,
    }));
    this.list.restore(rows<WatchedTask>(db, 'watched_task'), rows<WatchedRun>(db, 'watched_run'), obligations);
  }

  apply(event: RecordedEvent): void {
    this.list.apply(event);
  }

  private task(name: string): WatchedTask | undefined {
    const recent = this.recent.get(name);
    if (recent) return recent;
    const row = this.sql.facts.get(name) as { facts: string } | undefined;
    return row && (JSON.parse(row.facts) as WatchedTask);
  }

  private keep(task: WatchedTask): void {
    if (this.recent.size >= recentKept) this.recent.clear();
    this.recent.set(task.name, task);
  }
}

function* rows<T>(db: Database, table: string): Generator<T> {
  for (const { facts } of db.prepare(`SELECT facts FROM ${table}`).iterate() as IterableIterator<{ facts: string }>) {
    yield JSON.parse(facts) as T;
  }
}
