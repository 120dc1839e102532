import type { Database } from 'better-sqlite3';
import type { Projection, RecordedEvent } from '#libs/event-log';
import { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { WaveBook } from '../waves/wave-book.js';
import { FactBook } from './fact-book.js';
import { MotionBook } from './motion-book.js';
import { PageBook } from './page-book.js';
import { PushBook } from './push-book.js';
import { RunBook } from './run-book.js';
import { WaveStore } from './wave-store.js';

/**
 * The graph, stored: the tables of the model page by page, and rows for what is not in memory. The model in memory is
 * brought up to date with each event; what it changed is written once a batch, in the transaction that moves the
 * checkpoint.
 */
export class GraphProjection implements Projection {
  readonly name = 'graph';
  readonly version = 5;
  readonly schema = `
    ${PageBook.schema}
    ${FactBook.schema}
    ${MotionBook.schema}
    ${WaveStore.schema}
    ${RunBook.schema}
    ${PushBook.schema}
  `;

  readonly waves = new WaveBook();
  readonly runs = new RunBook();
  readonly pushes = new PushBook();
  private readonly facts = new FactBook(this.runs);
  readonly model: GraphModel = new GraphModel(
    {
      adopted: (image, event) => this.waves.adopted(this.model, image, event),
      settled: (task, event) => this.waves.settled(task, event.time),
      succeeded: (task, event) => this.waves.succeeded(task, event.data.run, event.data.unchanged),
      wavesOf: (task) => this.waves.of(task),
    },
    this.facts,
  );
  readonly waveStore = new WaveStore(this.model.tables.taskNames);
  /** Tasks that must be decided again; taken by the process manager after the batch. */
  private undecided = new Set<TaskNode>();
  private readonly pages = new PageBook();
  private readonly motions = new MotionBook();

  open(db: Database): void {
    this.runs.open(db);
    this.pushes.open(db);
    this.facts.open(db);
    this.pages.open(db, this.model.tables);
    this.motions.open(db, this.model);
    this.waveStore.open(db, this.waves);
    for (const task of this.model.restore()) this.undecided.add(task);
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
    const { tables, changes } = this.model;
    for (const task of changes.tasks) {
      // Of most of those that a move makes pending there is nothing to say: they are not stale, and no offer stands.
      if (task.stale || task.motion || task.saidBlocked) this.undecided.add(task);
      this.motions.save(task);
    }
    changes.tasks.clear();
    this.pages.flush(tables);
    for (const wave of this.waves.takeChanges()) this.waveStore.save(wave);
    this.runs.flush();
  }

  takeUndecided(): ReadonlySet<TaskNode> {
    const taken = this.undecided;
    this.undecided = new Set();
    return taken;
  }
}
