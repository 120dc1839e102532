import type BetterSqlite3 from 'better-sqlite3';
import type { PushedImage, TaskDefinition, UsedInput } from '#libs/contracts';
import { stableOutputs, type QueuedRun, type RunState } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { digestsKept, publishedSchema, resultsKept } from './published-schema.js';

/** What a task's last own run put into the registry under names that stay. */
export interface StandingOutputs {
  readonly task: string;
  readonly run: string;
  /** Where the run stands among the task's runs: the position of its run.queued. */
  readonly position: number;
  readonly outputs: readonly PushedImage[];
}

/** A finished run whose image may be put back. */
export interface FinishedRun {
  readonly run: string;
  readonly finishedAt: string;
  readonly outputs: readonly PushedImage[];
  readonly inputs: readonly UsedInput[];
}

interface RunRow {
  readonly task: string;
  readonly position: number;
  readonly overridden: number;
  readonly definition_hash: string;
}
interface StandingRow {
  readonly task: string;
  readonly standing_run: string;
  readonly standing_position: number;
  readonly standing_outputs: string;
  readonly stable: string | null;
}
interface ResultRow {
  readonly run: string;
  readonly finished_at: string;
  readonly outputs: string;
  readonly inputs: string;
}

type Statement<P extends unknown[], R = unknown> = BetterSqlite3.Statement<P, R>;

/** Tasks that are read at a time. */
const page = 1000;

/**
 * What runs put into registries, in the order in which the runs of a task were queued. It answers whether a run is
 * still the newest of its task, and whose digest it is that somebody finds behind a tag.
 */
export class Published {
  readonly name = 'published';
  readonly version = 1;
  readonly schema = publishedSchema;

  #queue!: Statement<[string, string, number, number, string]>;
  #active!: Statement<[number, string]>;
  #end!: Statement<[string]>;
  #run!: Statement<[string], RunRow>;
  #task!: Statement<[string]>;
  #started!: Statement<[string, number, string, number]>;
  #stand!: Statement<[string, number, string, string, number]>;
  #setStable!: Statement<[string, string]>;
  #digest!: Statement<[string, string, number, string, string]>;
  #trimDigests!: Statement<[string, string, string, string, number]>;
  #result!: Statement<[string, number, string, string, string | null, string, string, string]>;
  #trimResults!: Statement<[string, string, number]>;
  #forget: Statement<[string]>[] = [];
  #later!: Statement<[string, number], { started_run: string }>;
  #isActive!: Statement<[string], { active: number }>;
  #standing!: Statement<[string], StandingRow>;
  #standingOf!: Statement<[string], StandingRow>;
  #earlier!: Statement<[string, string, string, number], { run: string }>;
  #finished!: Statement<[string, string, string], ResultRow>;

  open(db: BetterSqlite3.Database): void {
    this.#queue = db.prepare(
      'INSERT OR IGNORE INTO published_runs (run, task, position, overridden, definition_hash) VALUES (?, ?, ?, ?, ?)',
    );
    this.#active = db.prepare('UPDATE published_runs SET active = ? WHERE run = ?');
    this.#end = db.prepare('DELETE FROM published_runs WHERE run = ?');
    this.#run = db.prepare('SELECT task, position, overridden, definition_hash FROM published_runs WHERE run = ?');
    this.#task = db.prepare('INSERT OR IGNORE INTO published_tasks (task) VALUES (?)');
    this.#started = db.prepare(
      'UPDATE published_tasks SET started_run = ?, started_position = ? WHERE task = ? AND started_position < ?',
    );
    this.#stand = db.prepare(
      `UPDATE published_tasks SET standing_run = ?, standing_position = ?, standing_outputs = ?
       WHERE task = ? AND ifnull(standing_position, 0) < ?`,
    );
    this.#setStable = db.prepare('UPDATE published_tasks SET stable = ? WHERE task = ?');
    this.#digest = db.prepare('INSERT OR REPLACE INTO published_digests VALUES (?, ?, ?, ?, ?)');
    this.#trimDigests = db.prepare(
      `DELETE FROM published_digests WHERE task = ? AND reference = ? AND position < (
         SELECT min(position) FROM (SELECT position FROM published_digests
           WHERE task = ? AND reference = ? ORDER BY position DESC LIMIT ?))`,
    );
    this.#result = db.prepare('INSERT OR REPLACE INTO published_results VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#trimResults = db.prepare(
      `DELETE FROM published_results WHERE task = ? AND position < (
         SELECT min(position) FROM (SELECT position FROM published_results
           WHERE task = ? ORDER BY position DESC LIMIT ?))`,
    );
    this.#forget = ['published_runs', 'published_tasks', 'published_digests', 'published_results'].map((table) =>
      db.prepare<[string]>(`DELETE FROM ${table} WHERE task = ?`),
    );
    this.#later = db.prepare('SELECT started_run FROM published_tasks WHERE task = ? AND started_position > ?');
    this.#isActive = db.prepare('SELECT active FROM published_runs WHERE task = ? AND active = 1 LIMIT 1');
    const standing = `SELECT task, standing_run, standing_position, standing_outputs, stable
      FROM published_tasks WHERE standing_run IS NOT NULL`;
    this.#standing = db.prepare(`${standing} AND task > ? ORDER BY task LIMIT ${page}`);
    this.#standingOf = db.prepare(`${standing} AND task = ?`);
    this.#earlier = db.prepare(
      `SELECT run FROM published_digests WHERE task = ? AND reference = ? AND digest = ? AND position < ?
       ORDER BY position DESC LIMIT 1`,
    );
    this.#finished = db.prepare(
      `SELECT run, finished_at, outputs, inputs FROM published_results
       WHERE task = ? AND definition_hash = ? AND source_revision = ? ORDER BY position DESC`,
    );
  }

  apply(event: RecordedEvent): void {
    switch (event.type) {
      case 'task.created':
      case 'task.updated':
        return this.#define(event.data.definition);
      case 'task.restated': {
        const { definition } = event.data.state as { definition?: TaskDefinition | null };
        return definition ? this.#define(definition) : undefined;
      }
      case 'task.deleted':
        for (const forget of this.#forget) forget.run(event.data.task);
        return;
      case 'run.queued':
        return this.#enqueue(event.data, event.sequence);
      case 'run.restated': {
        const state = event.data.state as RunState;
        if (!state.queued) return;
        this.#enqueue(state.queued, event.sequence);
        if (state.phase === 'Started' || state.phase === 'Built') this.#start(state.queued.run);
        return;
      }
      case 'run.started':
        return this.#start(event.data.run);
      case 'run.built': {
        const run = this.#run.get(event.data.run);
        if (!run) return;
        for (const { reference, digest } of event.data.outputs) {
          this.#digest.run(run.task, reference, run.position, digest, event.data.run);
          this.#trimDigests.run(run.task, reference, run.task, reference, digestsKept);
        }
        return;
      }
      case 'run.succeeded':
        return this.#succeed(event);
      case 'run.errored':
        this.#active.run(0, event.data.run);
        if (event.data.retryAt === null) this.#end.run(event.data.run);
        return;
      case 'run.failed':
      case 'run.canceled':
      case 'run.timed-out':
        this.#end.run(event.data.run);
        return;
      default:
    }
  }

  #define(definition: TaskDefinition): void {
    this.#task.run(definition.name);
    this.#setStable.run(JSON.stringify(stableOutputs(definition)), definition.name);
  }

  #enqueue({ run, task, overridden, definitionHash }: QueuedRun, position: number): void {
    if (task === null) return;
    this.#task.run(task);
    this.#queue.run(run, task, position, overridden ? 1 : 0, definitionHash);
  }

  #start(id: string): void {
    const run = this.#run.get(id);
    if (!run) return;
    this.#active.run(1, id);
    this.#started.run(id, run.position, run.task, run.position);
  }

  #succeed(event: RecordedEvent<'run.succeeded'>): void {
    const { run: id, outputs, inputs, sourceRevision } = event.data;
    const run = this.#run.get(id);
    if (!run) return;
    this.#end.run(id);
    if (run.overridden) return; // never the standing run
    const { task, position } = run;
    this.#stand.run(id, position, JSON.stringify(outputs), task, position);
    const json = [JSON.stringify(outputs), JSON.stringify(inputs)] as const;
    this.#result.run(task, position, id, run.definition_hash, sourceRevision, event.time, ...json);
    this.#trimResults.run(task, task, resultsKept);
  }

  /** A run of the same task that was queued later and has started: from then on this one moves no tag. */
  laterStarted(task: string, run: string): string | undefined {
    const own = this.#run.get(run);
    return own && this.#later.get(task, own.position)?.started_run;
  }

  /** Whether a builder holds a run of the task now. */
  isActive(task: string): boolean {
    return this.#isActive.get(task) !== undefined;
  }

  /** Per task the outputs that its standing run left under names that the task still pushes in every run. */
  *standing(): Generator<StandingOutputs> {
    let rows = this.#standing.all('');
    while (rows.length > 0) {
      for (const row of rows) yield standingOf(row);
      rows = this.#standing.all(rows.at(-1)?.task ?? '');
    }
  }

  standingOf(task: string): StandingOutputs | undefined {
    const row = this.#standingOf.get(task);
    return row && standingOf(row);
  }

  /** The run of this task before `position` that put this digest under the tag, if one did. */
  earlierRun(task: string, reference: string, digest: string, position: number): string | undefined {
    return this.#earlier.get(task, reference, digest, position)?.run;
  }

  /** Finished own runs of this definition and source revision, newest first. */
  finished(task: string, definitionHash: string, sourceRevision: string): FinishedRun[] {
    return this.#finished.all(task, definitionHash, sourceRevision).map((row) => ({
      run: row.run,
      finishedAt: row.finished_at,
      outputs: JSON.parse(row.outputs) as PushedImage[],
      inputs: JSON.parse(row.inputs) as UsedInput[],
    }));
  }
}

const standingOf = (row: StandingRow): StandingOutputs => {
  const outputs = JSON.parse(row.standing_outputs) as PushedImage[];
  const stable = row.stable === null ? [] : (JSON.parse(row.stable) as string[]);
  return {
    task: row.task,
    run: row.standing_run,
    position: row.standing_position,
    outputs: outputs.filter(({ reference }) => stable.includes(reference)),
  };
};
