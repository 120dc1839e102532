import { join } from 'node:path';
import { runDecider } from '#libs/domain';
import { AggregateStore, type BlobStore, type DispatchQueue, type KvBucket, type RunLogs } from '#libs/event-log';
import { RegistryDirectory } from '#libs/registries';
import { ServiceLog, type Runtime } from '#libs/runtime';
import { Admission } from './admission/admission.js';
import { checkPools } from './admission/check-pools.js';
import { Dispatcher } from './admission/dispatcher.js';
import { SchedulerProjection } from './projection/scheduler-projection.js';
import { Scanner } from './scanning/scanner.js';
import { taskDecider } from './tasks/task.decider.js';

/** Task scheduling: owns tasks and the queue of runs, decides when a due task starts. */
export class SchedulerService {
  readonly projection = new SchedulerProjection();
  readonly tasks = new AggregateStore(taskDecider);
  readonly runs = new AggregateStore(runDecider);
  readonly registries: RegistryDirectory;
  readonly log: ServiceLog;
  readonly contexts: BlobStore;
  readonly runLogs: RunLogs;
  readonly workDir: string;
  private readonly queue: DispatchQueue;
  private readonly leases: KvBucket;
  private readonly admission: Admission;
  private readonly dispatcher: Dispatcher;
  private readonly scanner: Scanner;

  constructor(readonly runtime: Runtime) {
    const { jet, clock, logger, health, secrets, config, onFailure } = runtime;
    const dataDir = join(config.PLINTH_DATA, 'scheduler');
    this.workDir = join(dataDir, 'work');
    this.registries = new RegistryDirectory({ secrets });
    this.contexts = jet.blobs('contexts');
    this.runLogs = jet.logs;
    this.queue = jet.dispatch;
    this.leases = jet.kv('leases');
    const { projection, tasks, runs, registries } = this;
    this.log = new ServiceLog({
      name: 'scheduler',
      jet,
      dataDir,
      projections: [tasks, runs, projection, registries],
      clock,
      logger,
      health,
      onFailure,
    });
    const { commands } = this.log;
    const shared = { tasks, runs, commands, clock, logger };
    this.admission = new Admission({
      ...shared,
      books: projection.books,
      activeRunsOf: (task) => projection.activeRunsOf(task),
    });
    this.dispatcher = new Dispatcher({
      ...shared,
      activeRuns: () => projection.activeRuns(),
      queue: this.queue,
      leases: this.leases,
    });
    checkPools(runtime.diagnostics, { tasks, slots: () => this.slots() });
    this.scanner = new Scanner({ ...shared, contexts: this.contexts, registries, secrets, workDir: this.workDir });
  }

  /** Slots of the builders that are alive, by pool. */
  slots(): ReadonlyMap<string, number> {
    return this.dispatcher.slots();
  }

  async start(): Promise<void> {
    const { log, projection, admission, scanner, dispatcher } = this;
    await log.start();
    const attend = () => {
      const touched = projection.takeTouched();
      admission.attend(touched);
      scanner.attend(touched);
      dispatcher.wake();
    };
    log.projector.onBatch((_events, caughtUp) => {
      if (caughtUp) attend();
    });
    await dispatcher.start();
    attend();
  }

  /** For work that changes very many tasks: their inputs are read when it is done. */
  inBulk<T>(work: () => Promise<T>): Promise<T> {
    return this.scanner.after(work);
  }

  async stop(): Promise<void> {
    this.admission.stop();
    this.scanner.stop();
    this.dispatcher.stop();
    await this.log.stop();
    await this.registries.close();
  }
}
