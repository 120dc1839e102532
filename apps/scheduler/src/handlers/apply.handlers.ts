import { Injectable } from '@nestjs/common';
import type { Input, Output, TaskDefinition, TaskResource } from '#libs/contracts';
import { checkEach, markedDefinition, markOf, onlyOnce, secretsOfStep, type ApplySet } from '#libs/domain';
import { applyEach } from '#libs/runtime';
import { requireTeam, storedNamesOf, storedSecrets, type CallContext, type Principal } from '#libs/service';
import { SchedulerService } from '../scheduler.service.js';
import { requireOwnSecrets } from '../secrets/require-secrets.js';
import { createdDefinition } from '../tasks/definition.js';
import { taskDecider, type TaskCommand } from '../tasks/task.decider.js';

/** Declarative use: tasks as a file says that they should be. */
@Injectable()
export class ApplyHandlers {
  constructor(private readonly scheduler: SchedulerService) {}

  async applyTasks(input: Input<'applyTasks'>, call: CallContext): Promise<Output<'applyTasks'>> {
    const { tasks, runtime } = this.scheduler;
    const { principal } = call;
    const team = input.team ?? principal.team;
    const set = { mark: markOf(team, input.set), takeOver: input.takeOver };
    const named = input.tasks.flatMap(({ step }) => secretsOfStep(step));
    const secrets = await storedSecrets(runtime.secrets, named);
    const seen = new Map<string, number>();
    const resources = checkEach('tasks', input.tasks, (task, index) => {
      const { name } = task;
      onlyOnce(seen, 'name', name, index, 'tasks');
      const change = (known: TaskDefinition | null) => wantedDefinition(task, known, { team, set, secrets }, principal);
      const known = tasks.get(name).state.definition;
      const command: TaskCommand = { type: 'apply', change, by: principal.subject };
      return { name, known, wanted: change(known), write: () => this.execute(name, command) };
    });
    const pruned = input.prune ? this.leftBehind(set.mark, team, seen) : [];
    const each = {
      log: this.scheduler.log,
      resources,
      pruned: pruned.map((name) => ({
        name,
        write: () => this.execute(name, { type: 'prune', name, mark: set.mark, by: principal.subject }),
      })),
      dryRun: input.dryRun,
      missingSecrets: storedNamesOf(named).filter((name) => !secrets.has(name)),
      call,
    };
    return this.scheduler.inBulk(() => applyEach(each));
  }

  /** Tasks that the set made for this team, and does not name any more. */
  private leftBehind(mark: string, team: string, named: ReadonlyMap<string, number>): string[] {
    const left: string[] = [];
    for (const [name, { state }] of this.scheduler.tasks.all({ live: true })) {
      const { definition } = state;
      if (definition?.appliedBy === mark && definition.team === team && !named.has(name)) left.push(name);
    }
    return left.sort();
  }

  private execute(name: string, command: TaskCommand) {
    const { log, tasks } = this.scheduler;
    return log.commands.execute(tasks, taskDecider, name, command);
  }
}

interface Circumstances {
  /** Team of tasks that name none. */
  readonly team: string;
  readonly set: ApplySet;
  readonly secrets: Awaited<ReturnType<typeof storedSecrets>>;
}

/**
 * What the task should be, on top of what it is. Who names no team leaves an existing task where it is.
 *
 * @throws PlinthError for a definition that cannot be, or a task that the caller may not change
 */
const wantedDefinition = (
  task: TaskResource,
  known: TaskDefinition | null,
  { team, set, secrets }: Circumstances,
  principal: Principal,
): TaskDefinition => {
  const what = `The task ${task.name}`;
  if (known) requireTeam(principal, known.team, `${what} belongs to`);
  const definition = createdDefinition(task, known?.team ?? team);
  requireTeam(principal, definition.team, `${what}, as it is asked for, would belong to`);
  requireOwnSecrets(definition, secrets, what);
  return markedDefinition(definition, known, set, what);
};
