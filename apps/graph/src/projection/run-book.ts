import type { Database, Statement } from 'better-sqlite3';
import type { Cause, EventData, PushedImage, UsedInput } from '#libs/contracts';
import { dataText, type RecordedEvent } from '#libs/event-log';

/** What the graph keeps of a run, to explain images long after. */
export interface RunFacts {
  readonly run: string;
  readonly task: string | null;
  readonly queuedAt: string;
  readonly causes: readonly Cause[];
  readonly waves: readonly string[];
  readonly status: 'Active' | 'Succeeded' | 'Failed' | 'Canceled' | 'Timeout' | 'Error';
  readonly inputs: readonly UsedInput[];
  readonly outputs: readonly PushedImage[];
  readonly finishedAt: string | null;
  readonly message: string | null;
}

/**
 * A run as it is stored: the data of the event that queued it and of the one that ended it, as they are in the log.
 * There are many runs and few questions, so what they say is put together when it is asked for.
 */
interface Row {
  readonly run: string;
  readonly task: string | null;
  readonly status: RunFacts['status'];
  readonly queued_at: string;
  readonly queued: string;
  readonly finished_at: string | null;
  readonly finished: string | null;
}

const factsOf = ({ run, task, status, queued_at, queued, finished_at, finished }: Row): RunFacts => {
  const { causes, waves } = JSON.parse(queued) as EventData<'run.queued'>;
  const end = finished === null ? {} : (JSON.parse(finished) as Ending);
  return {
    run,
    task,
    queuedAt: queued_at,
    causes,
    waves,
    status,
    inputs: end.inputs ?? [],
    outputs: end.outputs ?? [],
    finishedAt: finished_at,
    message: end.message ?? end.reason ?? null,
  };
};

/** What the events that end a run may say; a cancellation has both a code as `reason` and words as `message`. */
type Ending = Partial<Pick<EventData<'run.succeeded'>, 'inputs' | 'outputs'>> & {
  readonly reason?: string;
  readonly message?: string | null;
};

/** Runs by id. Only the active ones are in memory. */
export class RunBook {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_run (run TEXT PRIMARY KEY, task TEXT, status TEXT NOT NULL,
      queued_at TEXT NOT NULL, queued TEXT NOT NULL, finished_at TEXT, finished TEXT);
    CREATE INDEX IF NOT EXISTS graph_run_task ON graph_run (task);
    CREATE INDEX IF NOT EXISTS graph_run_active ON graph_run (run) WHERE status = 'Active';
  `;
  private readonly active = new Map<string, Row>();
  private readonly dirty = new Map<string, Row>();
  private statements!: Record<'save' | 'one' | 'last', Statement>;

  open(db: Database): void {
    this.statements = {
      save: db.prepare(
        `INSERT INTO graph_run VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET task = excluded.task,
         status = excluded.status, queued_at = excluded.queued_at, queued = excluded.queued,
         finished_at = excluded.finished_at, finished = excluded.finished`,
      ),
      one: db.prepare('SELECT * FROM graph_run WHERE run = ?'),
      last: db.prepare(
        `SELECT * FROM graph_run WHERE task = ? AND status = 'Succeeded' ORDER BY finished_at DESC LIMIT 1`,
      ),
    };
    const active = db.prepare(`SELECT * FROM graph_run WHERE status = 'Active'`);
    for (const row of active.iterate() as IterableIterator<Row>) this.active.set(row.run, row);
  }

  taskOf(run: string): string | null {
    return this.row(run)?.task ?? null;
  }

  find(run: string): RunFacts | undefined {
    const row = this.row(run);
    return row && factsOf(row);
  }

  /** What a run that succeeded used and made. */
  successOf(run: string): Pick<EventData<'run.succeeded'>, 'inputs' | 'outputs' | 'sourceRevision'> | undefined {
    const row = this.row(run);
    if (row?.status !== 'Succeeded' || row.finished === null) return undefined;
    const { inputs, outputs, sourceRevision } = JSON.parse(row.finished) as EventData<'run.succeeded'>;
    return { inputs, outputs, sourceRevision };
  }

  lastSuccessOf(task: string): RunFacts | undefined {
    const row = this.statements.last.get(task) as Row | undefined;
    return row && factsOf(row);
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'run.queued': {
        const { run, task } = event.data;
        const row: Row = {
          run,
          task,
          status: 'Active',
          queued_at: event.time,
          queued: dataText(event),
          finished_at: null,
          finished: null,
        };
        this.active.set(run, row);
        this.dirty.set(run, row);
        return;
      }
      case 'run.succeeded':
        return this.end(event.data.run, 'Succeeded', event);
      case 'run.failed':
        return this.end(event.data.run, 'Failed', event);
      case 'run.timed-out':
        return this.end(event.data.run, 'Timeout', event);
      case 'run.canceled':
        return this.end(event.data.run, 'Canceled', event);
      case 'run.errored':
        if (event.data.retryAt !== null) return;
        return this.end(event.data.run, 'Error', event);
      default:
    }
  }

  flush(): void {
    const { save } = this.statements;
    for (const { run, task, status, queued_at, queued, finished_at, finished } of this.dirty.values()) {
      save.run(run, task, status, queued_at, queued, finished_at, finished);
    }
    this.dirty.clear();
  }

  private row(run: string): Row | undefined {
    return this.active.get(run) ?? this.dirty.get(run) ?? (this.statements.one.get(run) as Row | undefined);
  }

  private end(run: string, status: Row['status'], event: RecordedEvent): void {
    const row = this.active.get(run);
    if (!row) return;
    this.active.delete(run);
    this.dirty.set(run, { ...row, status, finished_at: event.time, finished: dataText(event) });
  }
}
