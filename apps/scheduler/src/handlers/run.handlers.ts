import { Injectable } from '@nestjs/common';
import { PlinthError, type Input, type LogLine, type Output, type RunView } from '#libs/contracts';
import { definitionHash, runDecider } from '#libs/domain';
import { canonicalField, numberCursorOf, pageSizeOf, tokenOf } from '#libs/runtime';
import type { CallContext } from '#libs/service';
import { disabled, queueByHand } from '../runs/by-hand.js';
import { stepsOf } from '../runs/steps.js';
import { SchedulerService } from '../scheduler.service.js';
import { requireSecretsOf } from '../secrets/require-secrets.js';
import { requestedDefinition } from '../tasks/definition.js';

@Injectable()
export class RunHandlers {
  constructor(private readonly scheduler: SchedulerService) {}

  async listRuns(input: Input<'listRuns'>): Promise<Output<'listRuns'>> {
    const size = pageSizeOf(input.pageSize);
    const conditions: [string, string | number][] = [];
    const before = numberCursorOf(input.pageToken);
    if (before !== undefined) conditions.push(['position < ?', before]);
    if (input.task) conditions.push(['task = ?', input.task]);
    if (input.status) conditions.push(['status = ?', input.status]);
    if (input.wave) conditions.push(['run IN (SELECT run FROM run_wave WHERE wave = ?)', input.wave]);
    if (input.image) {
      conditions.push(['run IN (SELECT run FROM run_image WHERE reference = ?)', canonicalField(input.image, 'image')]);
    }
    const where = conditions.length > 0 ? `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}` : '';
    const rows = this.scheduler.log.projector.db
      .prepare(`SELECT position, facts FROM run_view ${where} ORDER BY position DESC LIMIT ?`)
      .all(...conditions.map(([, value]) => value), size + 1) as { position: number; facts: string }[];
    const page = rows.slice(0, size);
    return {
      runs: page.map(({ facts }) => JSON.parse(facts) as RunView),
      counts: this.scheduler.projection.counts(),
      nextPageToken: rows.length > size ? tokenOf(page.at(-1)!.position) : '',
    };
  }

  async getRun({ run }: Input<'getRun'>): Promise<RunView> {
    return this.find(run);
  }

  async cancelRun({ run }: Input<'cancelRun'>, call: CallContext): Promise<RunView> {
    const { log, runs } = this.scheduler;
    const command = { type: 'request-cancel' as const, run, by: call.principal.subject };
    const { sequence } = await log.commands.execute(runs, runDecider, run, command);
    call.wrote(sequence);
    await log.projector.waitFor(sequence, { timeoutMs: 2000, signal: call.signal });
    return this.find(run);
  }

  async scheduleRun(input: Input<'scheduleRun'>, call: CallContext): Promise<RunView> {
    const definition = requestedDefinition(input, call.principal.team);
    await requireSecretsOf(this.scheduler.runtime.secrets, definition, 'The build');
    return queueByHand(this.scheduler, { task: null, definition, overridden: false }, call);
  }

  async retryRun({ run }: Input<'retryRun'>, call: CallContext): Promise<RunView> {
    const before = this.find(run);
    const { runs, tasks } = this.scheduler;
    const { queued } = runs.get(run).state;
    if (before.finishTime === null || !queued) {
      throw new PlinthError('FAILED_PRECONDITION', `The run ${run} has not ended: it is ${before.status}.`);
    }
    const { task, definition, sourceRevision } = queued;
    const now = task === null ? undefined : (tasks.get(task).state.definition ?? undefined);
    // Its name may be another team's by now.
    if (task !== null && now?.team !== definition.team) {
      throw new PlinthError('FAILED_PRECONDITION', `The task ${task}, whose run ${run} was, is not there any more.`);
    }
    if (now?.status === 'Disabled') throw disabled(now.name);
    // What is not what the task says now is built for itself; else its timeout and pool are those of today.
    const overridden = queued.overridden || (now !== undefined && definitionHash(now) !== queued.definitionHash);
    const wanted = {
      task,
      definition: overridden || now === undefined ? definition : now,
      overridden,
      sourceRevision: before.sourceRevision ?? sourceRevision,
    };
    return queueByHand(this.scheduler, wanted, call);
  }

  async listRunSteps({ run }: Input<'listRunSteps'>, call: CallContext): Promise<Output<'listRunSteps'>> {
    const { finishTime } = this.find(run);
    const lines = this.scheduler.runLogs.read(run, { signal: call.signal });
    const { attempt, steps } = await stepsOf(lines, finishTime !== null);
    return { attempt, steps: [...steps] };
  }

  async *getRunLogs(input: Input<'getRunLogs'>, call: CallContext): AsyncGenerator<LogLine> {
    this.find(input.run);
    const after = call.lastEventId ?? input.after;
    yield* this.scheduler.runLogs.read(input.run, {
      ...(after === undefined ? {} : { after }),
      follow: input.follow ?? false,
      signal: call.signal,
    });
  }

  private find(run: string): RunView {
    const view = this.scheduler.projection.run(run);
    if (!view) throw new PlinthError('NOT_FOUND', `There is no run ${run}. GET /v1/runs lists those that there are.`);
    return view;
  }
}
