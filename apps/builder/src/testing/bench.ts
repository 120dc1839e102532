import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  definitionHash,
  outputDecider,
  runDecider,
  type QueuedRun,
  type RunCommand,
  type RunState,
} from '#libs/domain';
import {
  PlinthError,
  taskDefinitionSchema,
  type EventData,
  type EventType,
  type Snapshot,
  type TaskDefinition,
} from '#libs/contracts';
import {
  AggregateStore,
  Commands,
  MemoryEventLog,
  Projector,
  LogError,
  silentLogger,
  type CrashPoint,
  type NewEvent,
  type Proposed,
  type RecordedEvent,
} from '#libs/event-log';
import type { RegistryClient } from '#libs/oci';
import { FakeClock, tempDir } from '#libs/testing';
import { BuilderService, type BuilderConfig, type BuilderDeps } from '../builder.service.js';
import { AdoptedImages } from '../projection/adopted-images.js';
import { Published } from '../projection/published.js';
import { Delivery, HandDispatch, MemoryLeases, MemoryLogSink } from './doubles.js';
import { MemoryRegistry } from './memory-registry.js';
import { ScriptedEngine } from './scripted-engine.js';

export const app = 'registry.test/team/app:1';
export const node = 'docker.io/library/node:22';
export const revision = 'c0ffee';

type StepInput = Partial<TaskDefinition['step']>;

export const definitionOf = (step: StepInput = {}, more: Partial<Omit<TaskDefinition, 'step'>> = {}): TaskDefinition =>
  taskDefinitionSchema.parse({
    name: 'app',
    team: 'team',
    platforms: ['linux/amd64'],
    step: { type: 'Docker', contextPath: 'https://git.test/app.git', imageNames: [app], ...step },
    ...more,
  });

/** A run by hand of the task of a definition, as the scheduler queues it. */
export const queuedRun = (run: string, definition: TaskDefinition, more: Partial<QueuedRun> = {}): QueuedRun => ({
  run,
  task: definition.name,
  runType: 'AutoBuild',
  key: null,
  causes: [{ type: 'Manual', by: 'ada', at: '2026-01-01T00:00:00Z' }],
  offer: null,
  definition,
  definitionHash: definitionHash(definition),
  overridden: false,
  pins: [],
  sourceRevision: null,
  priority: 'Interactive',
  waves: [],
  createdAt: '2026-01-01T12:00:00Z',
  ...more,
});

/** A builder on a log in memory, with a registry, an engine and a queue that a test holds in its hands. */
export interface Bench extends AsyncDisposable {
  readonly log: MemoryEventLog;
  readonly runs: AggregateStore<RunState>;
  readonly commands: Commands;
  readonly projector: Projector;
  readonly published: Published;
  readonly registry: MemoryRegistry;
  readonly engine: ScriptedEngine;
  readonly dispatch: HandDispatch;
  readonly logs: MemoryLogSink;
  readonly leases: MemoryLeases;
  readonly clock: FakeClock;
  readonly builder: BuilderService;
  readonly workDir: string;
  /** Dockerfile of every context. */
  dockerfile: string;
  /** Values by secretRef. */
  readonly secrets: Map<string, string>;
  readonly passed: CrashPoint[];
  /** Called at each crash point. */
  atPoint: (name: CrashPoint) => void;
  /** Another builder on the same log, as another process would be. */
  another(id: string): Promise<{ builder: BuilderService; dispatch: HandDispatch; engine: ScriptedEngine }>;
  adopt(reference: string, snapshot: Snapshot): Promise<void>;
  /** Queues and dispatches a run; answers the position of its run.queued. */
  queue(run: string, more?: Partial<QueuedRun>): Promise<number>;
  dispatchAgain(run: string): Promise<void>;
  deliver(run: string, attempt?: number): Promise<Delivery>;
  /** Hands the run out and, once its tags are moved, lets time pass until the builder is done with it. */
  finishes(delivery: Delivery): Promise<Delivery>;
  /** The builder takes the run and dies at a crash point: resolves there, and it never does anything more. */
  dies(point: CrashPoint, delivery: Delivery): Promise<void>;
  events(run: string): Promise<EventType[]>;
  /** What was said of a tag, in order. */
  saidOf(reference: string): Promise<RecordedEvent[]>;
  last<E extends EventType>(run: string, type: E): Promise<EventData<E>>;
  state(run: string): RunState;
  append(kind: 'task' | 'tag', id: string, event: Proposed): Promise<void>;
  settle(): Promise<void>;
}

export const bench = async (config: Partial<BuilderConfig> = {}, deps: Partial<BuilderDeps> = {}): Promise<Bench> => {
  const dir = await tempDir('builder');
  const clock = new FakeClock();
  const log = new MemoryEventLog({ clock });
  const [runs, adopted, published] = [new AggregateStore(runDecider), new AdoptedImages(), new Published()];
  const outputs = new AggregateStore(outputDecider);
  const projector = new Projector({
    log,
    file: join(dir.path, 'b.sqlite'),
    projections: [runs, outputs, adopted, published],
    clock,
  });
  await projector.start();
  const commands = new Commands({ log, projector });
  const [registry, logs, leases] = [new MemoryRegistry(), new MemoryLogSink(), new MemoryLeases()];
  const secrets = new Map<string, string>();
  const redacted: string[] = [];
  const builders: BuilderService[] = [];

  const make = (id: string) => {
    const [dispatch, engine] = [new HandDispatch(), new ScriptedEngine()];
    const workDir = join(dir.path, `work-${id}`);
    const builder = new BuilderService({
      log,
      commands,
      runs,
      outputs,
      projector,
      adopted,
      published,
      dispatch,
      logs,
      leases,
      engine,
      clock,
      contexts: {
        open: async ({ into }) => {
          await mkdir(into, { recursive: true });
          const context = await mkdtemp(join(into, 'context-'));
          await writeFile(join(context, 'Dockerfile'), self.dockerfile);
          return { dir: context, revision, close: () => Promise.resolve() };
        },
      },
      registries: {
        client: {} as RegistryClient,
        definitionOf: () => undefined,
        credentialsOf: () => Promise.resolve(undefined),
        mirrored: () => undefined,
      },
      imageRegistry: registry,
      secrets: {
        open: (ref) => {
          const value = secrets.get(ref);
          return value === undefined
            ? Promise.reject(new PlinthError('NOT_FOUND', `There is no secret ${ref}.`))
            : Promise.resolve(value);
        },
      },
      redactor: {
        add: (value) => void redacted.push(value),
        redact: (text) => redacted.reduce((clean, value) => clean.replaceAll(value, '•••'), text),
      },
      config: {
        builderId: id,
        pool: 'default',
        slots: 2,
        workDir,
        ackWaitMs: 30_000,
        putTimeoutMs: 10_000,
        reconcileMs: 3_600_000,
        network: 'default',
        buildPlatform: 'linux/amd64',
        ...config,
      },
      monotonic: () => clock.now().getTime(),
      logger: silentLogger,
      crashPoint: (name) => {
        self.passed.push(name);
        self.atPoint(name);
      },
      ...deps,
    });
    builders.push(builder);
    return { builder, dispatch, engine, workDir };
  };

  const settle = async (): Promise<void> => {
    const { last } = await log.range();
    await projector.waitFor(last, { timeoutMs: 5_000 });
  };
  const execute = (run: string, command: RunCommand) => commands.execute(runs, runDecider, run, command);
  const eventsOf = async (id: string, kind: 'run' | 'output' = 'run'): Promise<RecordedEvent[]> => {
    const found: RecordedEvent[] = [];
    for await (const { events, caughtUp } of log.read({ after: 0, signal: new AbortController().signal })) {
      found.push(...events.filter(({ aggregate }) => aggregate.kind === kind && aggregate.id === id));
      if (caughtUp) return found;
    }
    return found;
  };
  const sequences = new Map<string, number>();
  let ids = 0;

  const first = make('b1');
  const { dispatch } = first;
  const self: Bench = {
    log,
    runs,
    commands,
    projector,
    published,
    registry,
    logs,
    leases,
    clock,
    secrets,
    ...first,
    dockerfile: `FROM ${node}\nCOPY . /app\n`,
    passed: [],
    atPoint: () => undefined,
    another: async (id) => {
      const made = make(id);
      await made.builder.start();
      return made;
    },
    append: async (kind, id, event) => {
      const key = `${kind} ${id}`;
      const appended = await log.append({ kind, id }, sequences.get(key) ?? 0, [
        { ...event, id: `test-${++ids}` } as NewEvent,
      ]);
      sequences.set(key, appended.sequence);
      await settle();
    },
    adopt: (reference, to) =>
      self.append('tag', reference, {
        type: 'tag.adopted',
        data: { reference, from: null, to, policy: 'acr', run: null, seenBy: 'Poll', hintedAt: null },
      }),
    queue: async (run, more = {}) => {
      const queued = queuedRun(run, more.definition ?? definitionOf(), { task: 'app', ...more });
      const { sequence } = await execute(run, { type: 'queue', queued });
      await self.dispatchAgain(run);
      return sequence;
    },
    dispatchAgain: async (run) => {
      await execute(run, { type: 'dispatch', pool: 'default' });
      await settle();
    },
    finishes: async (delivery) => {
      const before = self.passed.length;
      const delivered = dispatch.deliver(delivery);
      // Not sooner: a build takes real time, and its timeout is counted on this clock.
      await until(() => self.passed.includes('builder.tagged', before));
      while (!delivery.over) await clock.advance(1_000);
      return delivered;
    },
    dies: async (point, delivery) => {
      const [append, { promise, resolve }] = [log.append.bind(log), Promise.withResolvers<void>()];
      self.atPoint = (name) => {
        if (name !== point) return;
        self.atPoint = () => undefined;
        // Nothing that it still says reaches the log; the server hears no more of it.
        log.append = () => Promise.reject(new LogError('LOG_UNREACHABLE', 'This process is dead.'));
        delivery.answers = () => Promise.resolve(false);
        resolve();
        throw new Error('This process is dead.');
      };
      const delivered = dispatch.deliver(delivery);
      await promise;
      while (!delivery.over) await clock.advance(1_000);
      await delivered;
      log.append = append;
      await settle();
    },
    deliver: async (run, attempt = 1) => {
      const delivered = await self.dispatch.deliver(new Delivery(run, attempt));
      await settle();
      return delivered;
    },
    saidOf: (reference) => eventsOf(reference, 'output'),
    events: async (run) => (await eventsOf(run)).map(({ type }) => type),
    last: async <E extends EventType>(run: string, type: E) => {
      const found = (await eventsOf(run)).findLast((event) => event.type === type);
      if (!found) throw new Error(`Run ${run} has no ${type}.`);
      return found.data as EventData<E>;
    },
    state: (run) => runs.get(run).state,
    settle,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(builders.map((builder) => builder.stop()));
      await projector.stop();
      await dir.remove();
    },
  };
  await self.builder.start();
  return self;
};

/** Resolves when the condition holds; the log's batches and the engine's calls are what it waits for. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
