import type { Database, Statement } from 'better-sqlite3';
import type { RunView } from '#libs/contracts';
import type { Projection, RecordedEvent } from '#libs/event-log';
import { emptyBook, evolveBook, taskOf, type TaskBook } from '../admission/offers.js';
import { evolveRunView } from '../views/run-view.js';
import { evolveTask, type StoredTask } from '../views/task-view.js';

interface ActiveRun {
  readonly position: number;
  readonly task: string | null;
  readonly key: string | null;
  readonly definitionHash: string;
  readonly overridden: boolean;
}

/**
 * What the scheduler keeps beside its aggregates: the views of tasks and runs, and what admission knows of each task.
 * Rows that a batch touched are written once, before it commits.
 */
export class SchedulerProjection implements Projection {
  readonly name = 'scheduler';
  readonly version = 2;
  readonly schema = `
    CREATE TABLE IF NOT EXISTS task_view (name TEXT PRIMARY KEY, team TEXT, live INTEGER NOT NULL, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS task_book (name TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS run_view (run TEXT PRIMARY KEY, position INTEGER NOT NULL, task TEXT, status TEXT NOT NULL, active TEXT, facts TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS run_view_position ON run_view (position);
    CREATE INDEX IF NOT EXISTS run_view_task ON run_view (task, position);
    CREATE INDEX IF NOT EXISTS run_view_active ON run_view (active) WHERE active IS NOT NULL;
    CREATE TABLE IF NOT EXISTS run_image (reference TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (reference, run)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS run_wave (wave TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (wave, run)) WITHOUT ROWID;
  `;

  readonly books = new Map<string, TaskBook>();
  private readonly active = new Map<string, ActiveRun>();
  private readonly activeByTask = new Map<string, Set<string>>();
  /** Those of the active runs that a builder holds. */
  private readonly held = new Set<string>();
  private readonly tasks = new Map<string, StoredTask>();
  private readonly runs = new Map<string, { position: number; view: RunView }>();
  private readonly dirtyBooks = new Set<string>();
  /** Tasks that admission must look at again. */
  private touched = new Set<string>();
  private sql!: Record<'task' | 'book' | 'run' | 'image' | 'wave' | 'readTask' | 'readRun', Statement>;

  open(db: Database): void {
    this.sql = {
      task: db.prepare('INSERT OR REPLACE INTO task_view VALUES (?, ?, ?, ?)'),
      book: db.prepare('INSERT OR REPLACE INTO task_book VALUES (?, ?)'),
      run: db.prepare('INSERT OR REPLACE INTO run_view VALUES (?, ?, ?, ?, ?, ?)'),
      image: db.prepare('INSERT OR IGNORE INTO run_image VALUES (?, ?)'),
      wave: db.prepare('INSERT OR IGNORE INTO run_wave VALUES (?, ?)'),
      readTask: db.prepare('SELECT facts FROM task_view WHERE name = ?'),
      readRun: db.prepare('SELECT position, facts FROM run_view WHERE run = ?'),
    };
    for (const row of db.prepare('SELECT name, facts FROM task_book').iterate() as Rows<'name' | 'facts'>) {
      this.books.set(row.name, JSON.parse(row.facts) as TaskBook);
      this.touched.add(row.name);
    }
    const active = db.prepare('SELECT run, active, status FROM run_view WHERE active IS NOT NULL');
    for (const row of active.iterate() as Rows<'run' | 'active' | 'status'>) {
      this.activate(row.run, JSON.parse(row.active) as ActiveRun);
      if (row.status !== 'Queued') this.held.add(row.run);
    }
  }

  task(name: string): StoredTask | undefined {
    const known = this.tasks.get(name);
    if (known) return known;
    const row = this.sql.readTask.get(name) as { facts: string } | undefined;
    return row && (JSON.parse(row.facts) as StoredTask);
  }

  run(id: string): RunView | undefined {
    return this.readRun(id)?.view;
  }

  keyOf(run: string): string | null {
    return this.active.get(run)?.key ?? null;
  }

  /** Runs that are queued or running. */
  activeRuns(): Iterable<string> {
    return this.active.keys();
  }

  activeRunsOf(task: string): string[] {
    return [...(this.activeByTask.get(task) ?? [])];
  }

  /** How many runs wait, and how many a builder holds. */
  counts(): { queued: number; running: number } {
    return { queued: this.active.size - this.held.size, running: this.held.size };
  }

  takeTouched(): ReadonlySet<string> {
    const taken = this.touched;
    this.touched = new Set();
    return taken;
  }

  apply(event: RecordedEvent): void {
    const name = taskOf(event);
    if (name !== null) {
      const before = this.books.get(name) ?? emptyBook;
      const stored = this.task(name);
      const book = evolveBook(before, event, (run) => this.keyOf(run), stored?.definitionHash);
      if (book !== before) {
        this.books.set(name, book);
        this.dirtyBooks.add(name);
      }
      const task = evolveTask(stored, event, (run) => this.active.get(run));
      if (task) this.tasks.set(name, task);
      this.touched.add(name);
    }
    if (event.aggregate.kind === 'run') this.applyRun(event);
  }

  /** Writes what the batch changed; called before its transaction commits. */
  flush(): void {
    for (const name of this.dirtyBooks) this.sql.book.run(name, JSON.stringify(this.books.get(name)));
    for (const [name, task] of this.tasks) {
      const live = Number(task.definition !== null);
      this.sql.task.run(name, task.definition?.team ?? null, live, JSON.stringify(task));
    }
    for (const [run, { position, view }] of this.runs) {
      const active = this.active.get(run);
      const activeJson = active ? JSON.stringify(active) : null;
      this.sql.run.run(run, position, view.task, view.status, activeJson, JSON.stringify(view));
      for (const { reference } of view.outputs) this.sql.image.run(reference, run);
      for (const wave of view.waves) this.sql.wave.run(wave, run);
    }
    this.dirtyBooks.clear();
    this.tasks.clear();
    this.runs.clear();
  }

  private applyRun(event: RecordedEvent): void {
    const id = event.aggregate.id;
    const known = this.readRun(id);
    const view = evolveRunView(known?.view, event);
    if (!view) return;
    if (event.type === 'run.queued') {
      const { task, key, definitionHash, overridden } = event.data;
      this.activate(id, { position: event.sequence, task, key, definitionHash, overridden });
    } else if (view.finishTime !== null) {
      this.end(id);
    }
    if (view.finishTime === null && view.status !== 'Queued') this.held.add(id);
    else this.held.delete(id);
    this.runs.set(id, { position: known?.position ?? event.sequence, view });
  }

  private activate(id: string, run: ActiveRun): void {
    this.active.set(id, run);
    if (run.task === null) return;
    const runs = this.activeByTask.get(run.task);
    if (runs) runs.add(id);
    else this.activeByTask.set(run.task, new Set([id]));
  }

  private end(id: string): void {
    const task = this.active.get(id)?.task;
    this.active.delete(id);
    if (task === null || task === undefined) return;
    const runs = this.activeByTask.get(task);
    runs?.delete(id);
    if (runs?.size === 0) this.activeByTask.delete(task);
  }

  private readRun(id: string): { position: number; view: RunView } | undefined {
    const known = this.runs.get(id);
    if (known) return known;
    const row = this.sql.readRun.get(id) as { position: number; facts: string } | undefined;
    return row && { position: row.position, view: JSON.parse(row.facts) as RunView };
  }
}

type Rows<K extends string> = IterableIterator<Record<K, string>>;
