import { PlinthError, type EventData, type RunView, type TaskDefinition } from '#libs/contracts';
import { definitionHash, runDecider } from '#libs/domain';
import type { CallContext } from '#libs/service';
import type { SchedulerService } from '../scheduler.service.js';
import { evolveRunView } from '../views/run-view.js';

/** Runs of one task, or of one team without a task, that were started by hand and may wait at once. */
const mostWaiting = 20;

export interface RunByHand {
  /** Null for a build without a task. */
  readonly task: string | null;
  /** Of a build without a task, the name is put in here. */
  readonly definition: TaskDefinition;
  /** It is for itself: never the standing run. */
  readonly overridden: boolean;
  /** Build exactly this source; what is there now unless said. */
  readonly sourceRevision?: string | null;
}

export const disabled = (task: string): PlinthError =>
  new PlinthError('FAILED_PRECONDITION', `The task ${task} is disabled. Enable it with status: Enabled first.`);

/** Runs by hand go before routine ones: however many are asked for, only so many wait. */
const requireRoom = ({ projection, runs }: SchedulerService, { task, definition }: RunByHand): void => {
  const active = task === null ? [...projection.activeRuns()] : projection.activeRunsOf(task);
  const waiting = active.filter((run) => {
    const { queued, phase } = runs.get(run).state;
    if (!queued || queued.offer !== null || phase !== 'Queued') return false;
    return task !== null || (queued.task === null && queued.definition.team === definition.team);
  });
  if (waiting.length < mostWaiting) return;
  const whose = task === null ? `the team ${definition.team} without a task` : task;
  throw new PlinthError(
    'RESOURCE_EXHAUSTED',
    `${waiting.length} runs of ${whose} that were started by hand wait already. Cancel some, or wait until they have run.`,
  );
};

/**
 * Queues a run that somebody asked for.
 *
 * @throws PlinthError RESOURCE_EXHAUSTED when too many such runs wait
 */
export const queueByHand = async (
  scheduler: SchedulerService,
  wanted: RunByHand,
  call: CallContext,
): Promise<RunView> => {
  const { log, runs, runtime } = scheduler;
  const { task, overridden, sourceRevision = null } = wanted;
  requireRoom(scheduler, wanted);
  const now = runtime.clock.now().toISOString();
  const { last } = await runtime.jet.events.range();
  for (let suffix = 0; ; suffix += 1) {
    // Short and rising like ACR's; two that are made at one position differ in the suffix.
    const run = `m${last.toString(36)}${suffix === 0 ? '' : `-${suffix}`}`;
    const definition = task === null ? { ...wanted.definition, name: run } : wanted.definition;
    const queued: EventData<'run.queued'> = {
      run,
      task,
      runType: 'QuickBuild',
      key: null,
      causes: [{ type: 'Manual', by: call.principal.subject, at: now }],
      offer: null,
      definition,
      definitionHash: definitionHash(definition),
      overridden,
      pins: [],
      sourceRevision,
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
};
