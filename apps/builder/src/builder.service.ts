import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { outputDecider, runDecider, type OutputState, type RunState } from '#libs/domain';
import {
  crashPoint,
  systemClock,
  type AggregateStore,
  type Clock,
  type Commands,
  type CrashPoint,
  type EventLog,
  type Logger,
} from '#libs/event-log';
import type { RegistryClient } from '#libs/oci';
import { Announcer, type Announcement } from './announce.js';
import { DriftReconciler } from './drift/drift.js';
import type { Engine, EngineCheck } from './engines/engine.js';
import type {
  BuilderMetrics,
  Contexts,
  Dispatches,
  ImageRegistry,
  Leases,
  LogSink,
  Progress,
  RunCommands,
  RegistrySettings,
  SecretRedactor,
  Secrets,
} from './ports.js';
import type { AdoptedImages } from './projection/adopted-images.js';
import type { Published } from './projection/published.js';
import { Attestor } from './provenance/attestor.js';
import { LayerShelf, type LayerShelfOptions } from './publish/layer-shelf.js';
import { imageRegistry } from './publish/registry-adapter.js';
import { withMonotonic } from './time.js';
import { RunWatch } from './work/run-watch.js';
import { buildStrategy } from './work/strategies/build.js';
import { restoreStrategy } from './work/strategies/restore.js';
import { Worker } from './work/worker.js';

export interface BuilderConfig {
  /** Names this process among all builders; stands on every run that it starts. */
  readonly builderId: string;
  readonly pool: string;
  /** Builds at the same time. */
  readonly slots: number;
  /** Emptied at the start: nothing else may live there. */
  readonly workDir: string;
  /** Where layers of bases are kept, on the file system of `workDir`; none are kept by default. */
  readonly baseLayers?: LayerShelfOptions | undefined;
  /** Milliseconds until a dispatched run is handed to another builder when this one is silent. */
  readonly ackWaitMs: number;
  /** Longest that moving one tag may take, in milliseconds; shorter than the ack wait. */
  readonly putTimeoutMs: number;
  /** Milliseconds between two looks at all stable outputs. */
  readonly reconcileMs: number;
  /** What build steps reach. */
  readonly network: 'none' | 'host' | 'default';
  /** `host/repository` in which steps are kept between builds. */
  readonly cacheRepository?: string | undefined;
  /** Milliseconds for which the image of an earlier run may be put back; 7 days. 0 turns restoring off. */
  readonly reuseForMs?: number;
  /** Whether images get a statement of how they came about: always, where the registry takes it, or never. */
  readonly provenance?: 'attach' | 'require' | 'off';
  /** Secret reference of the key that signs it. */
  readonly signingKey?: string | undefined;
  /** `os/arch` of the machine that builds; that of this process by default. */
  readonly buildPlatform?: string;
}

export interface BuilderDeps {
  readonly log: EventLog;
  readonly commands: Commands;
  readonly runs: AggregateStore<RunState>;
  readonly outputs: AggregateStore<OutputState>;
  /** Must project `runs`, `outputs`, `adopted` and `published`, and be started. */
  readonly projector: Progress;
  readonly adopted: AdoptedImages;
  readonly published: Published;
  readonly dispatch: Dispatches;
  readonly logs: LogSink;
  /** {@link contextsFrom} the object store of uploaded contexts. */
  readonly contexts: Contexts;
  readonly registries: RegistrySettings & { readonly client: RegistryClient };
  readonly secrets: Secrets;
  readonly redactor: SecretRedactor;
  readonly engine: Engine;
  readonly config: BuilderConfig;
  readonly clock?: Clock;
  /** Milliseconds on a clock that is never set back. */
  readonly monotonic?: () => number;
  readonly logger: Logger;
  readonly metrics?: BuilderMetrics;
  /** The bucket `leases`. */
  readonly leases: Leases;
  readonly crashPoint?: (name: CrashPoint) => void;
  /** In place of the client of `registries`, for tests. */
  readonly imageRegistry?: ImageRegistry;
}

const sevenDaysMs = 7 * 24 * 3_600_000;
const checkEngineAgainMs = 30_000;

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm/v7', ia32: '386' };
const ownPlatform = (): string => `linux/${architectures[process.arch] ?? process.arch}`;

/**
 * The builder: takes dispatched runs, builds or restores, publishes, and keeps published tags from going back.
 * `start` resolves when it takes runs, `stop` when everything that it did is ended or handed over.
 */
export class BuilderService {
  readonly #worker: Worker;
  readonly #watch: RunWatch;
  readonly #announcer: Announcer;
  readonly #drift: DriftReconciler;
  readonly #attestor: Attestor;
  readonly #stop = new AbortController();
  #started = false;
  #engine: EngineCheck | undefined;
  #cannotSign: string | undefined;
  #cancelEngineCheck: () => void = () => undefined;
  #cancelDrift: () => void = () => undefined;
  #driftPass: Promise<void> = Promise.resolve();
  #unsubscribe: () => void = () => undefined;

  constructor(private readonly deps: BuilderDeps) {
    const { config, projector, runs, logger, published, engine, leases, metrics } = deps;
    const clock = withMonotonic(deps.clock ?? systemClock, deps.monotonic);
    const registry = deps.imageRegistry ?? imageRegistry(() => deps.registries.client);
    const adopted = (reference: string) => deps.adopted.newestFirst(reference);
    const refusal = (reference: string) => deps.adopted.refusal(reference);
    const commands: RunCommands = {
      execute: (id, command, meta) => deps.commands.execute(runs, runDecider, id, command, meta),
    };
    const reuseForMs = config.reuseForMs ?? sevenDaysMs;
    const restore = restoreStrategy({
      registry,
      clock,
      reuseForMs,
      adopted,
      refusal,
      finished: (task, hash, revision) => published.finished(task, hash, revision),
    });
    const build = buildStrategy({
      engine,
      contexts: deps.contexts,
      registry,
      registries: deps.registries,
      secrets: deps.secrets,
      redactor: deps.redactor,
      network: config.network,
      cacheRepository: config.cacheRepository,
      baseLayers: config.baseLayers && new LayerShelf(config.baseLayers),
      buildPlatform: config.buildPlatform ?? ownPlatform(),
      adopted,
      refusal,
    });
    this.#attestor = new Attestor({
      registry,
      secrets: deps.secrets,
      redactor: deps.redactor,
      mode: config.provenance ?? 'attach',
      signingKey: config.signingKey,
      builder: { id: config.builderId, pool: config.pool, engine: engine.name, isolation: engine.isolation },
    });
    this.#watch = new RunWatch(projector, runs);
    this.#worker = new Worker({
      ...config,
      log: deps.log,
      dispatch: deps.dispatch,
      logs: deps.logs,
      redactor: deps.redactor,
      progress: projector,
      watch: this.#watch,
      strategies: reuseForMs > 0 ? [restore, build] : [build],
      attestor: this.#attestor,
      crashPoint: deps.crashPoint ?? crashPoint,
      laterStarted: (task, run) => published.laterStarted(task, run),
      standingOf: (task) => published.standingOf(task),
      commands,
      engine,
      runs,
      registry,
      clock,
      logger,
      adopted,
      metrics,
    });
    const { builderId, pool, slots, putTimeoutMs } = config;
    // While the engine cannot build, or provenance could not be signed, there is no slot: runs wait where they are
    // instead of failing here.
    const announcement = (): Announcement => ({
      pool,
      slots: this.#engine?.ok === false || this.#cannotSign !== undefined ? 0 : slots,
      engine: engine.name,
      isolation: engine.isolation,
    });
    this.#announcer = new Announcer(leases, builderId, announcement, clock, logger);
    this.#drift = new DriftReconciler({
      registry,
      published,
      foreignAt: (reference) => deps.outputs.get(reference).state.foreign,
      say: (reference, command) => deps.commands.execute(deps.outputs, outputDecider, reference, command),
      leases,
      builderId,
      clock,
      logger,
      putTimeoutMs,
      metrics,
    });
  }

  /** Cleans up what an earlier life left, then takes runs. */
  async start(): Promise<void> {
    const { engine, config, projector, logger } = this.deps;
    if (config.putTimeoutMs >= config.ackWaitMs) {
      throw new Error(
        `putTimeoutMs (${config.putTimeoutMs}) must be shorter than ackWaitMs (${config.ackWaitMs}): a tag must not be moved after the run was handed to another builder.`,
      );
    }
    // An engine that is away must not keep the service from starting: its check says so, in words, and again later.
    await engine.cleanup().catch((error: unknown) => {
      logger.warn({ engine: engine.name, err: error }, 'What an earlier life of the engine left could not be removed.');
    });
    await mkdir(config.workDir, { recursive: true });
    for (const name of await readdir(config.workDir)) {
      await rm(join(config.workDir, name), { recursive: true, force: true });
    }
    // Not waited for: an engine that has to start first takes its first run when it is there.
    void this.#checkEngine();
    await this.#announcer.start();
    this.#worker.start();
    this.#started = true;
    if (projector.caughtUp) this.#reconcile();
    else {
      this.#unsubscribe = projector.onBatch((_events, caughtUp) => {
        if (!caughtUp) return;
        this.#unsubscribe();
        this.#reconcile();
      });
    }
    logger.info(
      {
        builder: config.builderId,
        pool: config.pool,
        slots: config.slots,
        engine: engine.name,
        isolation: engine.isolation,
      },
      'The builder takes runs.',
    );
  }

  /** Takes no more runs; builds are handed over at once, publishing is brought to its end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#unsubscribe();
    this.#cancelDrift();
    this.#cancelEngineCheck();
    await this.#announcer.stop();
    if (this.#started) await this.#worker.stop();
    await this.#driftPass;
    this.#watch.close();
    await this.deps.engine.close();
  }

  /** The engine in use. */
  get engine(): Pick<Engine, 'name' | 'isolation'> {
    return this.deps.engine;
  }

  /** What is missing, one sentence each; empty when runs can be built. */
  ready(): string[] {
    const missing: string[] = [];
    if (!this.#started) missing.push('The builder has not started yet.');
    if (!this.deps.projector.caughtUp) missing.push('The builder has not read the whole log yet.');
    if (this.#engine && !this.#engine.ok) {
      missing.push(`The engine ${this.deps.engine.name} cannot build: ${this.#engine.problem} ${this.#engine.fix}`);
    }
    if (this.#cannotSign !== undefined) missing.push(this.#cannotSign);
    if (this.#announcer.problem !== undefined) missing.push(this.#announcer.problem);
    return missing;
  }

  /** Looks at all stable outputs now; for tests and for operators in a hurry. */
  reconcile(): ReturnType<DriftReconciler['reconcile']> {
    return this.#drift.reconcile(this.#stop.signal);
  }

  async #checkEngine(): Promise<void> {
    const { engine, logger } = this.deps;
    const check = await engine.check().catch((error: unknown): EngineCheck => {
      return { ok: false, problem: (error as Error).message, fix: 'See the log of the builder.' };
    });
    if (!check.ok && this.#engine?.ok !== false) logger.warn({ engine: engine.name, fix: check.fix }, check.problem);
    this.#engine = check;
    const cannotSign = await this.#attestor.problem();
    if (cannotSign !== undefined && this.#cannotSign === undefined) logger.warn({}, cannotSign);
    this.#cannotSign = cannotSign;
    if (this.#stop.signal.aborted) return;
    this.#cancelEngineCheck = (this.deps.clock ?? systemClock).setTimeout(
      () => void this.#checkEngine(),
      checkEngineAgainMs,
    );
  }

  #reconcile(): void {
    const { logger, config } = this.deps;
    if (this.#stop.signal.aborted) return;
    this.#driftPass = this.reconcile()
      .then((report) => {
        if (report && report.repaired + report.unknown > 0) logger.info(report, 'Published tags were looked at.');
      })
      .catch((error: unknown) => logger.warn({ err: error }, 'Published tags could not be looked at.'))
      .then(() => {
        if (this.#stop.signal.aborted) return;
        this.#cancelDrift = (this.deps.clock ?? systemClock).setTimeout(() => this.#reconcile(), config.reconcileMs);
      });
  }
}

export const createBuilder = (deps: BuilderDeps): BuilderService => new BuilderService(deps);
