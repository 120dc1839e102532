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
import { loadConfig } from '#libs/service';
import { schedulerConfigSchema } from './config.js';
import { schedulerMetrics, type SchedulerMetrics } from './metrics.js';
import { instanceName } from './instance.js';
import { taskDecider } from './tasks/task.decider.js';
import { Deliveries } from './webhooks/deliveries.js';
import type { Message } from './webhooks/payload.js';
import { ProgressStore } from './webhooks/progress.js';
import { HttpSender, type Outcome } from './webhooks/sender.js';
import { headersOf, secretsOf } from './webhooks/signing.js';
import { webhookDecider, type WebhookState } from './webhooks/webhook.decider.js';

/** Task scheduling: owns tasks and the queue of runs, decides when a due task starts. */
export class SchedulerService {
  readonly projection = new SchedulerProjection();
  readonly tasks = new AggregateStore(taskDecider);
  readonly runs = new AggregateStore(runDecider);
  readonly webhooks = new AggregateStore(webhookDecider);
  readonly registries: RegistryDirectory;
  readonly log: ServiceLog;
  readonly contexts: BlobStore;
  readonly runLogs: RunLogs;
  readonly workDir: string;
  private readonly queue: DispatchQueue;
  private readonly leases: KvBucket;
  private readonly admission: Admission;
  private readonly dispatcher: Dispatcher;
  readonly scanner: Scanner;
  private readonly deliveries: Deliveries;
  readonly progress: ProgressStore;
  readonly sender: HttpSender;
  private readonly metrics: SchedulerMetrics;

  constructor(readonly runtime: Runtime) {
    const { jet, clock, logger, health, secrets, config, onFailure } = runtime;
    const dataDir = join(config.PLINTH_DATA, 'scheduler');
    this.workDir = join(dataDir, 'work');
    this.registries = new RegistryDirectory({ secrets });
    this.contexts = jet.blobs('contexts');
    this.runLogs = jet.logs;
    this.queue = jet.dispatch;
    this.leases = jet.kv('leases');
    this.metrics = schedulerMetrics(runtime.metrics.registry);
    this.progress = new ProgressStore(jet.kv('webhooks'));
    const environment = loadConfig(process.env, schedulerConfigSchema);
    this.sender = new HttpSender({ allow: environment.PLINTH_WEBHOOK_ALLOW });
    const { projection, tasks, runs, webhooks, registries, leases } = this;
    this.log = new ServiceLog({
      name: 'scheduler',
      jet,
      dataDir,
      projections: [tasks, runs, webhooks, projection, registries],
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
    this.deliveries = new Deliveries({
      webhooks,
      commands,
      leases,
      clock,
      logger,
      holder: instanceName(dataDir),
      log: jet.events,
      progress: this.progress,
      random: Math.random,
      post: this.post,
      taskOf: async ({ aggregate, sequence }) => {
        if (aggregate.kind !== 'run') return undefined;
        await this.log.projector.waitFor(sequence, { timeoutMs: 10_000 });
        return projection.run(aggregate.id)?.task ?? null;
      },
    });
    checkPools(runtime.diagnostics, { tasks, slots: () => this.slots() });
    this.scanner = new Scanner({
      ...shared,
      contexts: this.contexts,
      addressPolicy: environment.PLINTH_CONTEXT_ALLOW,
      registries,
      secrets,
      workDir: this.workDir,
    });
  }

  /** Signs a message of a webhook and posts it once. */
  readonly post = async (state: WebhookState, message: Message, signal: AbortSignal): Promise<Outcome> => {
    const { definition } = state;
    if (!definition) throw new Error('A deleted webhook is told nothing.');
    const { secrets, clock } = this.runtime;
    const now = clock.now();
    const headers = headersOf(message, await secretsOf(secrets, definition.name, state, now), now);
    const outcome = await this.sender.post(definition.url, headers, message.body, signal);
    this.metrics.webhookTried(outcome.ok);
    return outcome;
  };

  /** Slots of the builders that are alive, by pool. */
  slots(): ReadonlyMap<string, number> {
    return this.dispatcher.slots();
  }

  async start(): Promise<void> {
    const { log, projection, admission, scanner, dispatcher, deliveries } = this;
    await log.start();
    const attend = () => {
      const touched = projection.takeTouched();
      admission.attend(touched);
      scanner.attend(touched);
      dispatcher.wake();
    };
    log.projector.onBatch((events, caughtUp) => {
      if (caughtUp) attend();
      deliveries.attend(events.flatMap(({ aggregate }) => (aggregate.kind === 'webhook' ? [aggregate.id] : [])));
    });
    await dispatcher.start();
    await deliveries.start();
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
    await this.deliveries.stop();
    await this.sender.close();
    await this.log.stop();
    await this.registries.close();
  }
}
