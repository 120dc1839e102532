import type { Database, Statement } from 'better-sqlite3';
import type { GraphModel } from '../model/graph-model.js';
import type { ActiveRun, Motion, TaskNode } from '../model/nodes.js';

/** What is under way, as it is stored. */
type StoredMotion = Pick<Motion, 'failures' | 'circuit' | 'declined' | 'offer'> & {
  readonly runs: readonly (Omit<ActiveRun, 'answered'> & { readonly answered: readonly string[] })[];
  readonly unanswered: { readonly run: string; readonly references: readonly string[] } | null;
};

const storedOf = ({ runs, unanswered, failures, circuit, declined, offer }: Motion): StoredMotion => ({
  failures,
  circuit,
  declined,
  offer,
  runs: [...runs.values()].map((run) => ({ ...run, answered: [...run.answered] })),
  unanswered: unanswered && { run: unanswered.run, references: [...unanswered.references] },
});

/** What is under way, a row for each task to which something happens. */
export class MotionBook {
  static readonly schema = `
    CREATE TABLE IF NOT EXISTS graph_motion (task INTEGER PRIMARY KEY, facts TEXT NOT NULL);
  `;
  /** Tasks that have a row. */
  private readonly stored = new Set<TaskNode>();
  private write!: Record<'put' | 'drop', Statement>;

  /** Prepares, and puts into the model what is stored. */
  open(db: Database, model: GraphModel): void {
    this.stored.clear();
    this.write = {
      put: db.prepare('INSERT OR REPLACE INTO graph_motion VALUES (?, ?)'),
      drop: db.prepare('DELETE FROM graph_motion WHERE task = ?'),
    };
    for (const [id, text] of db.prepare('SELECT task, facts FROM graph_motion').raw().iterate() as IterableIterator<
      [number, string]
    >) {
      const task = model.taskAt(id);
      const { runs, unanswered, ...plain } = JSON.parse(text) as StoredMotion;
      const motion = Object.assign(task.moving, plain);
      for (const run of runs) motion.runs.set(run.run, { ...run, answered: new Set(run.answered) });
      motion.unanswered = unanswered && { run: unanswered.run, references: new Set(unanswered.references) };
      this.stored.add(task);
    }
  }

  save(task: TaskNode): void {
    if (task.motion?.isRest) task.motion = undefined;
    if (task.motion) {
      this.write.put.run(task.id, JSON.stringify(storedOf(task.motion)));
      this.stored.add(task);
    } else if (this.stored.delete(task)) this.write.drop.run(task.id);
  }
}
