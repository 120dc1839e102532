import type { Database, Statement } from 'better-sqlite3';
import type { Cause, PushedImage, UsedInput } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';

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

/** Runs by id, and which run pushed which digest. Only the active ones are in memory. */
export class RunBook {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_run (run TEXT PRIMARY KEY, task TEXT, facts TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS graph_run_task ON graph_run (task);
    CREATE TABLE IF NOT EXISTS graph_pushed (reference TEXT NOT NULL, digest TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (reference, digest)) WITHOUT ROWID;
  `;
  private readonly active = new Map<string, RunFacts>();
  private readonly dirty = new Map<string, RunFacts>();
  private readonly pushed: [string, string, string][] = [];
  private statements!: Record<'save' | 'push' | 'one' | 'pusher' | 'last', Statement>;

  open(db: Database): void {
    this.statements = {
      save: db.prepare(
        'INSERT INTO graph_run VALUES (?, ?, ?) ON CONFLICT (run) DO UPDATE SET task = excluded.task, facts = excluded.facts',
      ),
      push: db.prepare('INSERT OR REPLACE INTO graph_pushed VALUES (?, ?, ?)'),
      one: db.prepare('SELECT facts FROM graph_run WHERE run = ?'),
      pusher: db.prepare('SELECT run FROM graph_pushed WHERE reference = ? AND digest = ?'),
      last: db.prepare(
        `SELECT facts FROM graph_run WHERE task = ? AND facts ->> 'status' = 'Succeeded' ORDER BY facts ->> 'finishedAt' DESC LIMIT 1`,
      ),
    };
    const active = db.prepare(`SELECT facts FROM graph_run WHERE facts ->> 'status' = 'Active'`);
    for (const { facts } of active.iterate() as IterableIterator<{ facts: string }>) {
      const run = JSON.parse(facts) as RunFacts;
      this.active.set(run.run, run);
    }
  }

  taskOf(run: string): string | null {
    return this.find(run)?.task ?? null;
  }

  find(run: string): RunFacts | undefined {
    const known = this.active.get(run) ?? this.dirty.get(run);
    if (known) return known;
    const row = this.statements.one.get(run) as { facts: string } | undefined;
    return row && (JSON.parse(row.facts) as RunFacts);
  }

  /** The run that pushed this digest to this reference. */
  pusherOf(reference: string, digest: string): RunFacts | undefined {
    const row = this.statements.pusher.get(reference, digest) as { run: string } | undefined;
    return row && this.find(row.run);
  }

  lastSuccessOf(task: string): RunFacts | undefined {
    const row = this.statements.last.get(task) as { facts: string } | undefined;
    return row && (JSON.parse(row.facts) as RunFacts);
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'run.queued': {
        const { run, task, causes, waves } = event.data;
        const facts: RunFacts = {
          run,
          task,
          queuedAt: event.time,
          causes,
          waves,
          status: 'Active',
          inputs: [],
          outputs: [],
          finishedAt: null,
          message: null,
        };
        this.active.set(run, facts);
        this.dirty.set(run, facts);
        return;
      }
      case 'run.succeeded': {
        const { inputs, outputs } = event.data;
        for (const { reference, digest } of outputs) this.pushed.push([reference, digest, event.data.run]);
        return this.end(event.data.run, { status: 'Succeeded', inputs, outputs, finishedAt: event.time });
      }
      case 'run.failed':
        return this.end(event.data.run, { status: 'Failed', message: event.data.reason, finishedAt: event.time });
      case 'run.timed-out':
        return this.end(event.data.run, { status: 'Timeout', finishedAt: event.time });
      case 'run.canceled':
        return this.end(event.data.run, { status: 'Canceled', message: event.data.message, finishedAt: event.time });
      case 'run.errored':
        if (event.data.retryAt !== null) return;
        return this.end(event.data.run, { status: 'Error', message: event.data.reason, finishedAt: event.time });
      default:
    }
  }

  flush(): void {
    for (const facts of this.dirty.values()) this.statements.save.run(facts.run, facts.task, JSON.stringify(facts));
    for (const row of this.pushed) this.statements.push.run(...row);
    this.dirty.clear();
    this.pushed.length = 0;
  }

  private end(run: string, change: Partial<RunFacts>): void {
    const facts = this.active.get(run);
    if (!facts) return;
    this.active.delete(run);
    this.dirty.set(run, { ...facts, ...change });
  }
}
