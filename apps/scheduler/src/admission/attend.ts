import type { Cause, EventData } from '#libs/contracts';
import { failuresToOpenCircuit, type RunCommand, type RunState } from '#libs/domain';
import { taskDecider, type TaskCommand, type TaskState } from '../tasks/task.decider.js';
import type { Offer, TaskBook } from './offers.js';

/** What is known of a task that admission attends to. */
export interface Attended {
  readonly task: string;
  readonly book: TaskBook;
  readonly state: TaskState;
  /** Its runs that are queued or running. */
  readonly runs: readonly { readonly run: string; readonly state: RunState }[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** One thing to be done, with the event that it follows from. */
export type Step =
  | { readonly on: 'task'; readonly command: TaskCommand; readonly causation?: string }
  | { readonly on: 'run'; readonly run: string; readonly command: RunCommand; readonly causation?: string };

/** Id of the run that answers an offer: given by the position of the offer, so it is queued once however often it is tried. */
export const runIdOf = (offer: number): string => `c${offer.toString(36)}`;

const priorityOf = (causes: readonly Cause[]): EventData<'run.queued'>['priority'] => {
  if (causes.some(({ type }) => type === 'DefinitionChanged')) return 'SourceChange';
  return causes.some((cause) => cause.type === 'BaseImageMoved' && cause.urgent) ? 'UrgentBase' : 'Base';
};

/**
 * What is to be done about a task, as things are: circuits are opened and closed, runs that answer no offer any more are
 * taken back, an offer that nobody took becomes a run. Pure: `again` says after how many milliseconds time alone
 * changes the answer.
 */
export const attend = ({ task, book, state, runs, now }: Attended): { steps: Step[]; again: number | null } => {
  const steps: Step[] = [];
  /** The task as it is when the steps so far are done. */
  let then = state;
  const onTask = (command: TaskCommand, causation?: string) => {
    const events = taskDecider.decide(command, then);
    if (events.length === 0) return;
    for (const event of events) then = taskDecider.evolve(then, event as Parameters<typeof taskDecider.evolve>[1]);
    steps.push({ on: 'task', command, ...(causation === undefined ? {} : { causation }) });
  };
  const onRun = (run: string, command: RunCommand, causation?: string) =>
    steps.push({ on: 'run', run, command, ...(causation === undefined ? {} : { causation }) });

  const again = circuit({ task, book, now }, () => then, onTask);
  const { definition, definitionHash } = then;
  for (const { run, state: running } of runs) {
    const { queued, phase } = running;
    if (!queued) continue;
    if (phase !== 'Queued' && phase !== 'Dispatched') {
      // It would publish for nobody. A builder that has begun to move tags brings that to its end.
      if (!definition && !running.cancelRequested) {
        onRun(run, { type: 'request-cancel', run, by: 'The deletion of its task' });
      }
      continue;
    }
    if (!definition) {
      onRun(run, { type: 'supersede', run, reason: 'TaskDeleted', message: 'The task was deleted.' });
    } else if (
      queued.offer !== null &&
      (queued.offer !== book.offer?.position || queued.definitionHash !== definitionHash)
    ) {
      const message = 'What it was to build on changed before it started.';
      onRun(run, { type: 'supersede', run, reason: 'Superseded', message });
    }
  }
  if (definition && book.offer && !book.offer.taken) {
    const { offer, failures } = book;
    if (then.circuit && then.circuit.key !== offer.due.key) {
      onTask({ type: 'close-circuit', name: task, reason: 'NewInputs' }, offer.eventId);
    }
    const tried = failures?.key === offer.due.key && failures.count >= failuresToOpenCircuit;
    const queued = runFor(offer, then, tried, now);
    if (queued) onRun(queued.run, { type: 'queue', queued }, offer.eventId);
  }
  return { steps, again };
};

/** Answers when a circuit that stays open is half opened, in milliseconds from now. */
const circuit = (
  { task, book: { failures }, now }: Pick<Attended, 'task' | 'book' | 'now'>,
  then: () => TaskState,
  onTask: (command: TaskCommand, causation?: string) => void,
): number | null => {
  const close = (reason: EventData<'task.circuit-closed'>['reason']) =>
    onTask({ type: 'close-circuit', name: task, reason });
  if (failures && failures.count >= failuresToOpenCircuit) {
    const { key, count, last } = failures;
    onTask({ type: 'open-circuit', name: task, key, failures: count, at: last.at, reason: last.reason }, last.eventId);
  }
  // Also when a half-open try closed it before: else the same key could never open it again.
  if (!failures && (then().circuit || then().opened)) {
    close('Succeeded');
    return null;
  }
  const open = then().circuit;
  if (!open) return null;
  const wait = Date.parse(open.retryAt) - now;
  if (wait > 0) return wait;
  close('HalfOpen');
  return null;
};

const runFor = (
  { position, due }: Offer,
  { definition, definitionHash }: TaskState,
  tried: boolean,
  now: number,
): EventData<'run.queued'> | null =>
  definition && {
    run: runIdOf(position),
    task: due.task,
    runType: 'AutoBuild',
    key: due.key,
    causes: due.causes,
    offer: position,
    definition,
    definitionHash,
    overridden: false,
    pins: due.pins,
    sourceRevision: due.sourceRevision,
    priority: tried ? 'HalfOpen' : priorityOf(due.causes),
    waves: due.waves,
    createdAt: new Date(now).toISOString(),
  };
