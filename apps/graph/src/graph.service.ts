import { join } from 'node:path';
import { Counter } from 'prom-client';
import { outputDecider } from '#libs/domain';
import { AggregateStore } from '#libs/event-log';
import { BuilderPresence, ServiceLog, type Runtime } from '#libs/runtime';
import { defaultPatience, type Patience } from './model/evaluate.js';
import { checkOutputs } from './outputs/check-outputs.js';
import { SharedOutputs } from './outputs/shared-outputs.js';
import { GraphProjection } from './projection/graph-projection.js';
import { rebuildDecider } from './rebuilds/rebuild.decider.js';
import { RebuildManager } from './rebuilds/rebuild-manager.js';
import { Reconciler } from './rebuilds/reconciler.js';
import type { GraphView } from './view/graph-view.js';
import { Past } from './view/past.js';
import { waveDecider } from './waves/wave.decider.js';

/** Dependency graph: owns edges, rebuilds and waves, decides which task is due, and why. */
export class GraphService {
  readonly projection = new GraphProjection();
  readonly patience: Patience = defaultPatience;
  readonly log: ServiceLog;
  /** Builders that are there, for who asks how long something would take. */
  readonly builders: BuilderPresence;
  private readonly manager: RebuildManager;
  private readonly shared: SharedOutputs;
  private readonly reconciler: Reconciler;
  private readonly past: Past;
  private readonly stopping = new AbortController();

  constructor(readonly runtime: Runtime) {
    const { jet, clock, logger, health, config, onFailure } = runtime;
    const rebuilds = new AggregateStore(rebuildDecider);
    const waveStates = new AggregateStore(waveDecider);
    const outputs = new AggregateStore(outputDecider);
    const { projection, patience } = this;
    this.log = new ServiceLog({
      name: 'graph',
      jet,
      dataDir: join(config.PLINTH_DATA, 'graph'),
      projections: [rebuilds, waveStates, outputs, projection],
      clock,
      logger,
      health,
      onFailure,
    });
    this.builders = new BuilderPresence(jet.kv('leases'), clock);
    this.past = new Past(jet.events, clock, patience);
    const { model, waves } = projection;
    const { commands, projector } = this.log;
    this.shared = new SharedOutputs({ model, outputs, commands, logger });
    checkOutputs(runtime.diagnostics, { model, outputs });
    const position = () => projector.position;
    const recreated = new Counter({
      name: 'plinth_rebuilds_recreated_total',
      help: 'Tasks that were due without anything having told of it, found by the periodic comparison of everything.',
      registers: [runtime.metrics.registry],
    });
    const offering = { model, rebuilds, commands, clock, logger, patience, position };
    this.reconciler = new Reconciler({ ...offering, onRecreated: () => recreated.inc() });
    this.manager = new RebuildManager({ ...offering, waves, waveStates });
  }

  async start(): Promise<void> {
    const { log, projection, manager, shared, reconciler } = this;
    await log.start();
    await this.builders.watch(this.stopping.signal);
    const decide = () => manager.decide(projection.takeUndecided());
    log.projector.onBatch((events, caughtUp) => {
      shared.attend(events);
      if (!caughtUp) return;
      decide();
      void shared.report();
    });
    decide();
    reconciler.start();
    shared.attendAll();
    void shared.report();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.reconciler.stop();
    this.manager.stop();
    this.past.close();
    await this.log.stop();
  }

  /**
   * Answers a question about the graph as it is, or as it was at a moment.
   *
   * @param asOf a position or a time; now when undefined
   * @throws PlinthError see {@link Past.answer}
   */
  async ask<T>(asOf: string | undefined, answer: (view: GraphView) => T): Promise<T> {
    if (asOf !== undefined) return this.past.answer(asOf, answer);
    const { projection, patience } = this;
    const now = this.runtime.clock.now().getTime();
    return answer({ projection, patience, now, position: this.log.projector.position });
  }
}
