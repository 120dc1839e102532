import type { Database, Statement } from 'better-sqlite3';
import type { Projection, RecordedEvent } from '#libs/event-log';
import { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { WaveBook, type Wave } from '../waves/wave-book.js';
import { ImageBook } from './image-book.js';
import { PushBook } from './push-book.js';
import { RunBook } from './run-book.js';
import { TaskBook } from './task-book.js';

/**
 * The graph, stored: tasks, images, runs and waves; the edges follow from what each task used. The model in memory is brought up to date with each event;
 * what it changed is written once a batch, in the transaction that moves the checkpoint.
 */
export class GraphProjection implements Projection {
  readonly name = 'graph';
  readonly version = 4;
  readonly schema = `
    ${TaskBook.schema}
    ${ImageBook.schema}
    CREATE TABLE IF NOT EXISTS graph_wave (id TEXT PRIMARY KEY, position INTEGER NOT NULL, open INTEGER NOT NULL, facts TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS graph_wave_position ON graph_wave (position);
    ${RunBook.schema}
    ${PushBook.schema}
  `;

  readonly waves = new WaveBook();
  readonly runs = new RunBook();
  readonly pushes = new PushBook();
  readonly model = new GraphModel({
    adopted: (image, event) => {
      // Those that were pending already did not change, but for the wave that they are in now.
      for (const task of this.waves.adopted(image, event)) this.model.changes.tasks.add(task);
    },
    settled: (task, event) => this.waves.settled(task, event.time),
    succeeded: (task, event) => this.waves.succeeded(task, event.data.run, event.data.unchanged),
  });
  /** Tasks that must be decided again; taken by the process manager after the batch. */
  private undecided = new Set<TaskNode>();
  private readonly tasks = new TaskBook();
  private readonly images = new ImageBook();
  private writeWave!: Statement;

  open(db: Database): void {
    this.writeWave = db.prepare('INSERT OR REPLACE INTO graph_wave VALUES (?, ?, ?, ?)');
    this.runs.open(db);
    this.pushes.open(db);
    this.tasks.open(db, this.model, this.runs);
    this.images.open(db, this.model);
    for (const { facts } of db
      .prepare('SELECT facts FROM graph_wave WHERE open ORDER BY position')
      .iterate() as Rows<'facts'>) {
      this.waves.restore(JSON.parse(facts) as Parameters<WaveBook['restore']>[0]);
    }
    this.model.restore();
    for (const task of this.model.tasks.values()) this.undecided.add(task);
  }

  apply(event: RecordedEvent): void {
    this.runs.apply(event);
    this.pushes.apply(event);
    this.model.apply(event);
    switch (event.type) {
      case 'run.started':
      case 'run.failed':
      case 'run.timed-out': {
        const task = this.runs.taskOf(event.data.run);
        const node = task === null ? undefined : this.model.tasks.get(task);
        if (node && event.type === 'run.started') this.waves.started(node, event.data.run);
        else if (node) this.waves.failed(node);
        return;
      }
      case 'wave.opened':
      case 'wave.closed':
        this.waves.announced(event.data.wave, event.type === 'wave.closed');
        return;
      default:
    }
  }

  /** Writes what the batch changed; called before its transaction commits. */
  flush(): void {
    const { tasks, images } = this.model.changes;
    for (const task of tasks) {
      this.undecided.add(task);
      this.tasks.save(task);
    }
    for (const image of images) this.images.save(image);
    for (const wave of this.waves.takeChanges()) {
      this.writeWave.run(
        wave.id,
        wave.position,
        Number(wave.closedAt === null || !wave.closeAnnounced),
        JSON.stringify(storeWave(wave)),
      );
    }
    this.runs.flush();
    tasks.clear();
    images.clear();
  }

  takeUndecided(): ReadonlySet<TaskNode> {
    const taken = this.undecided;
    this.undecided = new Set();
    return taken;
  }
}

type Rows<K extends string> = IterableIterator<Record<K, string>>;

const storeWave = (wave: Wave) => ({ ...wave, members: [...wave.members.values()], remaining: [...wave.remaining] });
export type StoredWave = ReturnType<typeof storeWave>;
