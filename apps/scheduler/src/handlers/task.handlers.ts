import { Injectable } from '@nestjs/common';
import {
  PlinthError,
  type EventData,
  type FieldViolation,
  type Input,
  type Output,
  type RunView,
  type TaskDefinition,
  type TaskView,
} from '#libs/contracts';
import { definitionHash, runDecider } from '#libs/domain';
import { cursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { requireEtag, storedNameOf, type CallContext } from '#libs/service';
import { SchedulerService } from '../scheduler.service.js';
import { secretsOfStep } from '../secrets/secret-users.js';
import { createdDefinition, overriddenDefinition, updatedDefinition } from '../tasks/definition.js';
import { taskDecider, type TaskCommand } from '../tasks/task.decider.js';
import { evolveRunView } from '../views/run-view.js';
import { taskView, type StoredTask } from '../views/task-view.js';

/** Runs of one task, started by hand, that may wait at once. */
const mostWaiting = 20;

@Injectable()
export class TaskHandlers {
  constructor(private readonly scheduler: SchedulerService) {}

  async createTask(input: Input<'createTask'>, call: CallContext): Promise<TaskView> {
    const definition = createdDefinition(input, call.principal.team);
    await this.requireSecretsOf(definition);
    return this.execute(input.name, { type: 'create', definition, by: call.principal.subject }, call);
  }

  async listTasks(input: Input<'listTasks'>): Promise<Output<'listTasks'>> {
    const size = pageSizeOf(input.pageSize);
    const rows = this.scheduler.log.projector.db
      .prepare(
        `SELECT name, facts FROM task_view WHERE live AND name > ? ${input.team ? 'AND team = ?' : ''} ORDER BY name LIMIT ?`,
      )
      .all(cursorOf(input.pageToken) ?? '', ...(input.team ? [input.team] : []), size + 1) as Row[];
    const page = rows.slice(0, size);
    return {
      tasks: page.map(({ facts }) => viewOf(JSON.parse(facts) as StoredTask)),
      nextPageToken: rows.length > size ? tokenOf(page.at(-1)!.name) : '',
    };
  }

  async getTask({ name }: Input<'getTask'>, call: CallContext): Promise<TaskView> {
    return this.show(name, call);
  }

  async updateTask(input: Input<'updateTask'>, call: CallContext): Promise<TaskView> {
    const { name } = input;
    const { etag } = this.find(name);
    requireEtag(call, etag, `The task ${name}`);
    const stored = this.scheduler.tasks.get(name).state.definition;
    if (stored && input.step) await this.requireSecretsOf(updatedDefinition(stored, input));
    const by = call.principal.subject;
    return this.execute(name, { type: 'update', name, by, change: (now) => updatedDefinition(now, input) }, call);
  }

  async deleteTask({ name }: Input<'deleteTask'>, call: CallContext): Promise<Output<'deleteTask'>> {
    requireEtag(call, this.find(name).etag, `The task ${name}`);
    const { log, tasks } = this.scheduler;
    const command: TaskCommand = { type: 'delete', name, by: call.principal.subject };
    const { sequence } = await log.commands.execute(tasks, taskDecider, name, command);
    call.wrote(sequence);
    return {};
  }

  async resetTask({ name }: Input<'resetTask'>, call: CallContext): Promise<TaskView> {
    this.find(name);
    return this.execute(name, { type: 'close-circuit', name, reason: 'Reset' }, call);
  }

  async runTask(input: Input<'runTask'>, call: CallContext): Promise<RunView> {
    const { log, tasks, runs, runtime } = this.scheduler;
    const { name, overrideTaskStepProperties: override } = input;
    const { definition: stored } = tasks.get(name).state;
    if (!stored) throw missing(name);
    if (stored.status === 'Disabled') {
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `The task ${name} is disabled. Enable it with status: Enabled first.`,
      );
    }
    this.requireRoom(name);
    const definition = override ? overriddenDefinition(stored, override) : stored;
    const now = runtime.clock.now().toISOString();
    const by = call.principal.subject;
    const { last } = await runtime.jet.events.range();
    for (let suffix = 0; ; suffix += 1) {
      // Short and rising like ACR's; two that are made at one position differ in the suffix.
      const run = `m${last.toString(36)}${suffix === 0 ? '' : `-${suffix}`}`;
      const queued: EventData<'run.queued'> = {
        run,
        task: name,
        runType: 'QuickBuild',
        key: null,
        causes: [{ type: 'Manual', by, at: now }],
        offer: null,
        definition,
        definitionHash: definitionHash(definition),
        overridden: override !== undefined,
        pins: [],
        sourceRevision: null,
        priority: 'Interactive',
        waves: [],
        createdAt: now,
      };
      if (runs.get(run).sequence > 0) continue;
      const { sequence, events } = await log.commands.execute(runs, runDecider, run, { type: 'queue', queued });
      const [event] = events;
      if (!event) continue;
      call.wrote(sequence);
      return evolveRunView(undefined, event)!;
    }
  }

  /** Runs by hand go before routine ones: however many are asked for, only so many of a task wait. */
  private requireRoom(name: string): void {
    const { projection, runs } = this.scheduler;
    const waiting = projection.activeRunsOf(name).filter((run) => {
      const { queued, phase } = runs.get(run).state;
      return queued?.offer === null && phase === 'Queued';
    });
    if (waiting.length < mostWaiting) return;
    throw new PlinthError(
      'RESOURCE_EXHAUSTED',
      `${waiting.length} runs of ${name} that were started by hand wait already. Cancel some, or wait until they have run.`,
    );
  }

  private async execute(name: string, command: TaskCommand, call: CallContext): Promise<TaskView> {
    const { log, tasks } = this.scheduler;
    const { sequence } = await log.commands.execute(tasks, taskDecider, name, command);
    call.wrote(sequence);
    await log.projector.waitFor(sequence, { timeoutMs: 2000, signal: call.signal });
    return this.show(name, call);
  }

  private show(name: string, call: CallContext): TaskView {
    const task = this.find(name);
    call.setEtag(task.etag);
    return task;
  }

  /**
   * What a build may use is its team's. It is checked again where the secret is opened: what is stored later, under a
   * name that the task has now, may be another team's.
   * @throws PlinthError PERMISSION_DENIED naming the fields
   */
  private async requireSecretsOf({ name, team, step }: TaskDefinition): Promise<void> {
    const { secrets } = this.scheduler.runtime;
    const problems: FieldViolation[] = [];
    for (const { field, secretRef } of secretsOfStep(step)) {
      const stored = storedNameOf(secretRef);
      const secret = stored === undefined ? undefined : await secrets.info(stored);
      if (!secret || secret.shared || secret.team === team) continue;
      problems.push({ field, message: `${secretRef} belongs to the team ${secret.team}, the task to ${team}` });
    }
    if (problems.length === 0) return;
    throw new PlinthError(
      'PERMISSION_DENIED',
      `The task ${name} cannot be taken: ${problems[0]?.message}. Store a secret of the team ${team}, or let the other team share its own.`,
      problems,
    );
  }

  private find(name: string): TaskView {
    const task = this.scheduler.projection.task(name);
    if (!task?.definition) throw missing(name);
    return viewOf(task);
  }
}

interface Row {
  readonly name: string;
  readonly facts: string;
}

const missing = (name: string) =>
  new PlinthError('NOT_FOUND', `There is no task ${name}. GET /v1/tasks lists those that there are.`);

const viewOf = (task: StoredTask): TaskView => {
  if (!task.definition) throw new Error('A deleted task has no view.');
  return taskView(task, task.definition);
};
