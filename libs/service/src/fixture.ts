import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable, Module } from '@nestjs/common';
import { operations, PlinthError, type Input, type LogLine, type Output, type TaskView } from '#libs/contracts';
import { AUTHENTICATOR, type Authenticator, type Principal } from './auth/principal.js';
import type { Owners } from './auth/ownership.js';
import { bootstrapService, type BootstrapOptions, type RunningService } from './bootstrap.js';
import { requireEtag, type CallContext } from './call.js';
import { loadConfig } from './config.js';
import { createLogger } from './logging.js';
import type { Positions } from './positions.js';
import { rawRoute, type RawHandler, type RawRequest, type RawResponse } from './raw-route.js';
import { servesTable, type OperationTable } from './serves.js';

/** A small service for the tests of this library: some of the product's operations, in memory. */
const { createTask, getTask, listTasks, updateTask, deleteTask, getRunLogs, cancelRun, resetTask } = operations;
export const tableOfTests: OperationTable = {
  createTask,
  getTask,
  listTasks,
  updateTask,
  deleteTask,
  getRunLogs,
  cancelRun,
  resetTask,
  uploadContext: { ...operations.uploadContext, accepts: { types: ['application/gzip'], maxBytes: 4096 } },
  listDependants: operations.listDependants,
};

export const tokens: Readonly<Record<string, Principal>> = {
  'reader-token': { subject: 'reader', scope: 'read', team: 'default' },
  'runner-token': { subject: 'runner', scope: 'run', team: 'default' },
  'writer-token': { subject: 'writer', scope: 'write', team: 'web' },
};
class FixedTokens implements Authenticator {
  authenticate(token: string): Promise<Principal | undefined> {
    return Promise.resolve(tokens[token]);
  }
}

/** Positions that tests move. */
export class ManualPositions implements Positions {
  reached = 7;
  position(): number {
    return this.reached;
  }
  waitFor(position: number): Promise<boolean> {
    return Promise.resolve(position <= this.reached);
  }
}

export const taskNamed = (name: string, more: Partial<TaskView> = {}): TaskView => ({
  name,
  team: 'web',
  status: 'Enabled',
  platforms: ['linux/amd64'],
  platform: { os: 'Linux', architecture: 'amd64' },
  agentConfiguration: { cpu: 2 },
  agentPoolName: 'default',
  timeout: 3600,
  step: {
    type: 'Docker',
    contextPath: 'https://git.example/web.git',
    dockerFilePath: 'Dockerfile',
    imageNames: ['web:latest'],
    isPushEnabled: true,
    noCache: false,
    arguments: [],
  },
  trigger: { baseImageTrigger: { name: 't', baseImageTriggerType: 'Runtime', status: 'Enabled' } },
  tags: {},
  creationDate: '2026-01-01T00:00:00Z',
  provisioningState: 'Succeeded',
  etag: '1',
  inputsStatus: 'Known',
  inputsReason: null,
  inputs: [],
  circuit: null,
  standingRun: null,
  lastRun: null,
  ...more,
});

@Injectable()
export class TaskHandlers {
  readonly tasks = new Map<string, TaskView>();
  readonly seen: unknown[] = [];

  #task(name: string): TaskView {
    const task = this.tasks.get(name);
    if (!task) throw new PlinthError('NOT_FOUND', `There is no task "${name}".`);
    return task;
  }
  createTask(input: Input<'createTask'>, call: CallContext): Promise<TaskView> {
    this.seen.push(input);
    if (this.tasks.has(input.name)) throw new PlinthError('ALREADY_EXISTS', `There is a task "${input.name}" already.`);
    const { platform: _platform, platforms, ...rest } = input;
    const task = taskNamed(input.name, { ...rest, ...(platforms ? { platforms } : {}), team: call.principal.team });
    this.tasks.set(task.name, task);
    call.wrote(41);
    call.setEtag(task.etag);
    return Promise.resolve(task);
  }
  getTask(input: Input<'getTask'>, call: CallContext): Promise<TaskView> {
    const task = this.#task(input.name);
    call.setEtag(task.etag);
    return Promise.resolve(task);
  }
  listTasks(input: Input<'listTasks'>): Promise<Output<'listTasks'>> {
    this.seen.push(input);
    return Promise.resolve({ tasks: [...this.tasks.values()], nextPageToken: '' });
  }
  updateTask(input: Input<'updateTask'>, call: CallContext): Promise<TaskView> {
    this.seen.push(input);
    const task = this.#task(input.name);
    requireEtag(call, task.etag, `Task "${task.name}"`);
    const changed = { ...task, status: input.status ?? task.status, etag: String(Number(task.etag) + 1) };
    this.tasks.set(task.name, changed);
    call.wrote(42);
    call.setEtag(changed.etag);
    return Promise.resolve(changed);
  }
  deleteTask(input: Input<'deleteTask'>, call: CallContext): Promise<Record<string, never>> {
    this.#task(input.name);
    this.tasks.delete(input.name);
    call.wrote(43);
    return Promise.resolve({});
  }
  /** A mistake of the service, for the tests of how these are answered. */
  resetTask(): Promise<TaskView> {
    throw new TypeError('the password is hunter2hunter2');
  }
}

@Injectable()
export class RunHandlers {
  /** Called when the reader of a followed log went away. */
  onGone: () => void = () => undefined;

  cancelRun(): Promise<Output<'cancelRun'>> {
    // Not what the schema says: response validation finds it.
    return Promise.resolve({ runId: 'NOT AN ID' } as unknown as Output<'cancelRun'>);
  }

  /** `run-5` has five lines; `endless` never ends; `quiet` says nothing; `broken` fails after two. */
  async *getRunLogs(input: Input<'getRunLogs'>, call: CallContext): AsyncIterable<LogLine> {
    const count = /^run-(\d+)$/.exec(input.run)?.[1];
    if (count === undefined && !['endless', 'quiet', 'broken'].includes(input.run)) {
      throw new PlinthError('NOT_FOUND', `There is no run "${input.run}".`);
    }
    const from = (call.lastEventId ?? input.after ?? -1) + 1;
    const end = count === undefined ? Infinity : Number(count);
    const text = input.run === 'endless' ? 'x'.repeat(65_536) : 'line';
    try {
      if (input.run === 'quiet') {
        await new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
        return;
      }
      for (let offset = from; offset < end && !call.signal.aborted; offset++) {
        if (input.run === 'broken' && offset === 2) throw new PlinthError('UNAVAILABLE', 'The log cannot be read.');
        yield { offset, at: '2026-01-01T00:00:00Z', stream: 'stdout', step: null, text: `${text} ${offset}` };
      }
    } finally {
      this.onGone();
    }
  }
}

@Injectable()
export class ContextHandlers {
  async uploadContext(_input: Input<'uploadContext'>, body: Readable): Promise<Output<'uploadContext'>> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    const digest = `sha256:${hash.digest('hex')}`;
    return { contextPath: `context://${digest}`, digest, bytes };
  }
}

@Injectable()
export class GraphHandlers {
  constructor(@Inject(TaskHandlers) private readonly tasks: TaskHandlers) {}
  listDependants(input: Input<'listDependants'>): Promise<Output<'listDependants'>> {
    this.tasks.seen.push(input);
    return Promise.resolve({ dependants: [], total: 0, depth: 0, nextPageToken: '' });
  }
}

@Injectable()
export class HookHandlers implements RawHandler {
  handle(request: RawRequest): Promise<RawResponse> {
    if (request.headers['authorization'] !== 'hook-secret') throw new PlinthError('UNAUTHENTICATED', 'Wrong secret.');
    return Promise.resolve({ status: 202, body: `${request.params['host']} ${request.body.length}` });
  }
}

const OWNERS = Symbol('plinth.owners of tests');

@Module({
  providers: [
    {
      provide: OWNERS,
      inject: [TaskHandlers],
      useFactory: ({ tasks }: TaskHandlers): Owners => ({ task: (name) => tasks.get(name)?.team, run: () => 'web' }),
    },
    TaskHandlers,
    RunHandlers,
    ContextHandlers,
    GraphHandlers,
    HookHandlers,
    ManualPositions,
    { provide: AUTHENTICATOR, useClass: FixedTokens },
    servesTable(
      'scheduler',
      tableOfTests,
      {
        createTask: TaskHandlers,
        getTask: TaskHandlers,
        listTasks: TaskHandlers,
        updateTask: TaskHandlers,
        deleteTask: TaskHandlers,
        resetTask: TaskHandlers,
        cancelRun: RunHandlers,
        getRunLogs: RunHandlers,
        uploadContext: ContextHandlers,
      },
      { positions: ManualPositions, owners: OWNERS },
    ),
    servesTable('graph', tableOfTests, { listDependants: GraphHandlers }),
    rawRoute({
      service: 'watcher',
      method: 'POST',
      path: '/v1/hooks/distribution/{host}',
      maxBytes: 100,
      handler: HookHandlers,
    }),
  ],
})
class TestModule {}

export interface TestService extends RunningService {
  readonly tasks: TaskHandlers;
  readonly runs: RunHandlers;
  readonly positions: ManualPositions;
  /** Lines of its log. */
  readonly log: string[];
}

export const startTestService = async (
  options: Partial<BootstrapOptions> & { environment?: Record<string, string> } = {},
): Promise<TestService> => {
  const log: string[] = [];
  const running = await bootstrapService({
    name: 'test',
    modules: [TestModule],
    config: loadConfig({
      PLINTH_HTTP_PORT: '0',
      PLINTH_GRPC_PORT: '0',
      PLINTH_VALIDATE_RESPONSES: 'true',
      ...options.environment,
    }),
    logger: createLogger({ name: 'test', write: (line) => void log.push(line) }),
    table: tableOfTests,
    signals: false,
    firstItemMs: 50,
    ...options,
  });
  return Object.assign(running, {
    log,
    tasks: running.app.get(TaskHandlers),
    runs: running.app.get(RunHandlers),
    positions: running.app.get(ManualPositions),
  });
};
