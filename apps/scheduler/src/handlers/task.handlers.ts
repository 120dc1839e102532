import { Injectable } from '@nestjs/common';
import {
  PlinthError,
  type Input,
  type Output,
  type RunView,
  type TaskDefinition,
  type TaskView,
} from '#libs/contracts';
import { cursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import { requireEtag, type CallContext } from '#libs/service';
import { disabled, queueByHand } from '../runs/by-hand.js';
import { SchedulerService } from '../scheduler.service.js';
import { requireSecretsOf } from '../secrets/require-secrets.js';
import { createdDefinition, overriddenDefinition, updatedDefinition } from '../tasks/definition.js';
import { taskDecider, type TaskCommand } from '../tasks/task.decider.js';
import { taskView, type StoredTask } from '../views/task-view.js';

@Injectable()
export class TaskHandlers {
  constructor(private readonly scheduler: SchedulerService) {}

  async createTask(input: Input<'createTask'>, call: CallContext): Promise<TaskView> {
    const definition = createdDefinition(input, call.principal.team);
    await this.requireSecrets(definition);
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
      tasks: page.map(({ facts }) => this.view(JSON.parse(facts) as StoredTask)),
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
    if (stored && input.step) await this.requireSecrets(updatedDefinition(stored, input));
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
    const { tasks } = this.scheduler;
    const { name, overrideTaskStepProperties: override } = input;
    const { definition: stored } = tasks.get(name).state;
    if (!stored) throw missing(name);
    if (stored.status === 'Disabled') throw disabled(name);
    const definition = override ? overriddenDefinition(stored, override) : stored;
    return queueByHand(this.scheduler, { task: name, definition, overridden: override !== undefined }, call);
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

  private requireSecrets(definition: TaskDefinition): Promise<void> {
    return requireSecretsOf(this.scheduler.runtime.secrets, definition, `The task ${definition.name}`);
  }

  private find(name: string): TaskView {
    const task = this.scheduler.projection.task(name);
    if (!task?.definition) throw missing(name);
    return this.view(task);
  }

  private view(task: StoredTask): TaskView {
    if (!task.definition) throw new Error('A deleted task has no view.');
    const view = taskView(task, task.definition);
    if (view.inputsStatus !== 'Scanning') return view;
    return { ...view, inputsReason: this.scheduler.scanner.failureOf(view.name) };
  }
}

interface Row {
  readonly name: string;
  readonly facts: string;
}

const missing = (name: string) =>
  new PlinthError('NOT_FOUND', `There is no task ${name}. GET /v1/tasks lists those that there are.`);
