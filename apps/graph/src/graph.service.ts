import { join } from 'node:path';
import { AggregateStore } from '#libs/event-log';
import { ServiceLog, type Runtime } from '#libs/runtime';
import { defaultPatience, type Patience } from './model/evaluate.js';
import type { TaskNode } from './model/nodes.js';
import { GraphProjection } from './projection/graph-projection.js';
import { rebuildDecider } from './rebuilds/rebuild.decider.js';
import { RebuildManager } from './rebuilds/rebuild-manager.js';
import { waveDecider } from './waves/wave.decider.js';

/** Dependency graph: owns edges, rebuilds and waves, decides which task is due, and why. */
export class GraphService {
  readonly projection = new GraphProjection();
  readonly patience: Patience = defaultPatience;
  readonly log: ServiceLog;
  private readonly manager: RebuildManager;

  constructor(readonly runtime: Runtime) {
    const { jet, clock, logger, health, config, onFailure } = runtime;
    const rebuilds = new AggregateStore(rebuildDecider);
    const waveStates = new AggregateStore(waveDecider);
    const { projection, patience } = this;
    this.log = new ServiceLog({
      name: 'graph',
      jet,
      dataDir: join(config.PLINTH_DATA, 'graph'),
      projections: [rebuilds, waveStates, projection],
      clock,
      logger,
      health,
      onFailure,
    });
    const { model, waves } = projection;
    const { commands, projector } = this.log;
    const position = () => projector.position;
    this.manager = new RebuildManager({
      model,
      waves,
      rebuilds,
      waveStates,
      commands,
      clock,
      logger,
      patience,
      position,
    });
  }

  async start(): Promise<void> {
    const { log, projection, manager } = this;
    await log.start();
    const decide = () => manager.decide(projection.takeUndecided());
    log.projector.onBatch((_events, caughtUp) => {
      if (caughtUp) decide();
    });
    decide();
  }

  async stop(): Promise<void> {
    this.manager.stop();
    await this.log.stop();
  }

  /** Tasks that use an image in any role. */
  *usersOf(reference: string): Generator<TaskNode> {
    const rows = this.log.projector.db
      .prepare('SELECT DISTINCT task FROM graph_edge WHERE reference = ? ORDER BY task')
      .all(reference) as { task: string }[];
    for (const { task } of rows) {
      const node = this.projection.model.tasks.get(task);
      if (node) yield node;
    }
  }
}
