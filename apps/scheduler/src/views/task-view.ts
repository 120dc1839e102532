import type { ScannedInput, TaskDefinition, TaskView, UsedInput } from '#libs/contracts';
import { knownInputs, tracks } from '#libs/domain';
import type { RecordedEvent } from '#libs/event-log';
import { acrPlatform } from './run-view.js';

/** What is stored of a task, to show it. */
export interface StoredTask {
  readonly definition: TaskDefinition | null;
  readonly definitionHash: string;
  readonly createdAt: string;
  /** Position of its creation: a run from before is one of a namesake that was deleted. */
  readonly createdPosition: number;
  /** Sequence of the last event that changed it: its etag. */
  readonly sequence: number;
  readonly scan: {
    readonly status: 'Known' | 'Unknown';
    readonly reason: string | null;
    readonly inputs: readonly ScannedInput[];
    readonly position: number;
  } | null;
  readonly standing: {
    readonly run: string;
    readonly definitionHash: string;
    readonly position: number;
    readonly inputs: readonly UsedInput[];
  } | null;
  readonly lastRun: string | null;
  readonly circuit: { readonly reason: string; readonly retryAt: string } | null;
}

export interface RunOfTask {
  /** Position at which it was queued. */
  readonly position: number;
  readonly definitionHash: string;
  readonly overridden: boolean;
}

const define = (
  task: StoredTask | undefined,
  event: RecordedEvent<'task.created'> | RecordedEvent<'task.updated'>,
): StoredTask => {
  const { definition, definitionHash } = event.data;
  const fresh = event.type === 'task.created' || !task;
  const sameBuild = !fresh && task.definitionHash === definitionHash;
  return {
    definition,
    definitionHash,
    createdAt: fresh ? event.time : task.createdAt,
    createdPosition: fresh ? event.sequence : task.createdPosition,
    sequence: event.sequence,
    scan: sameBuild ? task.scan : null,
    standing: fresh ? null : task.standing,
    lastRun: fresh ? null : task.lastRun,
    circuit: sameBuild ? task.circuit : null,
  };
};

/** @param runOf what is known of an active run, for `run.succeeded` */
export const evolveTask = (
  task: StoredTask | undefined,
  event: RecordedEvent,
  runOf: (run: string) => RunOfTask | undefined,
): StoredTask | undefined => {
  if (event.type === 'task.created' || event.type === 'task.updated') return define(task, event);
  if (!task) return undefined;
  switch (event.type) {
    case 'task.deleted':
      return { ...task, definition: null, sequence: event.sequence };
    case 'task.scanned': {
      if (task.definitionHash !== event.data.definitionHash) return task;
      const { status, reason, inputs } = event.data;
      return { ...task, scan: { status, reason, inputs, position: event.sequence } };
    }
    case 'task.circuit-opened':
      return { ...task, circuit: { reason: event.data.reason, retryAt: event.data.retryAt } };
    case 'task.circuit-closed':
      return { ...task, circuit: null };
    case 'run.queued':
      return { ...task, lastRun: event.data.run };
    case 'run.succeeded': {
      const run = runOf(event.data.run);
      if (!run || run.overridden || run.position < task.createdPosition) return task;
      const { inputs } = event.data;
      const { definitionHash } = run;
      return {
        ...task,
        circuit: null,
        standing: { run: event.data.run, definitionHash, position: event.sequence, inputs },
      };
    }
    default:
      return task;
  }
};

const hideSecrets = (step: TaskDefinition['step']): TaskDefinition['step'] => ({
  ...step,
  arguments: step.arguments.map(({ value, ...argument }) =>
    argument.isSecret || value === undefined ? argument : { ...argument, value },
  ),
});

const inputsOf = (task: StoredTask, definition: TaskDefinition): TaskView['inputs'] => {
  const used = new Map((task.standing?.inputs ?? []).map((input) => [input.reference, input.digest]));
  const scanned = new Map((task.scan?.inputs ?? []).map((input) => [`${input.reference} ${input.role}`, input]));
  return (knownInputs({ ...task, definition }) ?? []).map((input) => {
    const scan = scanned.get(`${input.reference} ${input.role}`);
    return {
      reference: input.reference,
      role: input.role,
      via: scan?.via ?? 'direct',
      stage: scan?.stage ?? null,
      line: scan?.line ?? 0,
      platforms: [...input.platforms],
      pinned: input.pinned,
      tracked: tracks(definition, input),
      used: used.get(input.reference) ?? null,
    };
  });
};

/** A task as the API shows it; secret values are not in it. */
export const taskView = (task: StoredTask, definition: TaskDefinition): TaskView => ({
  ...definition,
  step: hideSecrets(definition.step),
  platform: acrPlatform(definition.platforms),
  creationDate: task.createdAt,
  provisioningState: 'Succeeded',
  etag: String(task.sequence),
  inputsStatus: task.scan?.status ?? 'Scanning',
  inputsReason: task.scan?.reason ?? null,
  inputs: inputsOf(task, definition),
  circuit: task.circuit,
  standingRun: task.standing?.run ?? null,
  lastRun: task.lastRun,
});
