import type { Database, Statement } from 'better-sqlite3';
import type { GraphModel } from '../model/graph-model.js';
import type { ActiveRun, Standing, TaskNode } from '../model/nodes.js';
import type { RunBook } from './run-book.js';

/** What of a task is large and seldom changes. Each is replaced as a whole, never changed in place. */
const parts = ['definition', 'scan'] as const;
type Part = (typeof parts)[number];
type Parts = Pick<TaskNode, Part>;

/** What else is stored of a task; the rest of the node is derived. */
type StoredFacts = Pick<
  TaskNode,
  'definitionHash' | 'definedAt' | 'failures' | 'circuit' | 'durations' | 'declined' | 'offer' | 'unsettledSince'
> & {
  readonly runs: readonly (Omit<ActiveRun, 'answered'> & { readonly answered: readonly string[] })[];
  readonly unanswered: { readonly run: string; readonly references: readonly string[] } | null;
  readonly waves: readonly string[];
  /** What the run used and made is in the row of the run. */
  readonly standing: Pick<Standing, 'run' | 'definitionHash' | 'position'> | null;
};

const factsOf = (task: TaskNode): StoredFacts => ({
  definitionHash: task.definitionHash,
  definedAt: task.definedAt,
  failures: task.failures,
  circuit: task.circuit,
  durations: task.durations,
  declined: task.declined,
  offer: task.offer,
  unsettledSince: task.unsettledSince,
  runs: [...task.runs.values()].map((run) => ({ ...run, answered: [...run.answered] })),
  unanswered: task.unanswered && { run: task.unanswered.run, references: [...task.unanswered.references] },
  waves: [...task.waves],
  standing: task.standing && {
    run: task.standing.run,
    definitionHash: task.standing.definitionHash,
    position: task.standing.position,
  },
});

/**
 * The facts of every task. A task changes several times for each run, and mostly a little: its definition and scan are
 * rows of their own, written only when they are others.
 */
export class TaskBook {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_task (name TEXT PRIMARY KEY, facts TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS graph_task_part (task TEXT NOT NULL, part TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (task, part));
  `;
  /** The parts that the database has. */
  private readonly stored = new Map<TaskNode, Parts>();
  private write!: Record<'task' | 'part' | 'drop', Statement>;

  /** Prepares, and puts into the model what is stored. */
  open(db: Database, model: GraphModel, book: RunBook): void {
    this.write = {
      task: db.prepare('INSERT INTO graph_task VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET facts = excluded.facts'),
      part: db.prepare(
        'INSERT INTO graph_task_part VALUES (?, ?, ?) ON CONFLICT (task, part) DO UPDATE SET facts = excluded.facts',
      ),
      drop: db.prepare('DELETE FROM graph_task_part WHERE task = ? AND part = ?'),
    };
    for (const { name, facts } of db
      .prepare('SELECT name, facts FROM graph_task ORDER BY name')
      .iterate() as Rows<'name'>) {
      const { runs, unanswered, waves, standing, ...plain } = JSON.parse(facts) as StoredFacts;
      const task = Object.assign(model.task(name), plain);
      for (const run of runs) task.runs.set(run.run, { ...run, answered: new Set(run.answered) });
      task.unanswered = unanswered && { run: unanswered.run, references: new Set(unanswered.references) };
      for (const wave of waves) task.waves.add(wave);
      const success = standing && book.successOf(standing.run);
      task.standing = standing && success ? { ...standing, ...success } : null;
    }
    const rows = db.prepare('SELECT task, part, facts FROM graph_task_part').iterate() as Rows<'task' | 'part'>;
    for (const { task, part, facts } of rows) Object.assign(model.task(task), { [part]: JSON.parse(facts) as unknown });
    for (const task of model.tasks.values()) this.stored.set(task, partsOf(task));
  }

  save(task: TaskNode): void {
    const { name } = task;
    this.write.task.run(name, JSON.stringify(factsOf(task)));
    const stored = this.stored.get(task) ?? { definition: null, scan: null };
    for (const part of parts) {
      if (stored[part] === task[part]) continue;
      // What is not there has no row, or the rows would tell how the log was cut into batches.
      if (task[part] === null) this.write.drop.run(name, part);
      else this.write.part.run(name, part, JSON.stringify(task[part]));
    }
    this.stored.set(task, partsOf(task));
  }
}

type Rows<K extends string> = IterableIterator<Record<K | 'facts', string>>;

const partsOf = ({ definition, scan }: TaskNode): Parts => ({ definition, scan });
