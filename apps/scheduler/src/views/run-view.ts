import type { EventData, RunView } from '#libs/contracts';
import type { RecordedEvent } from '#libs/event-log';
import { parsePlatform, parseReference } from '#libs/oci';
import type { Cause, PushedImage, TaskView } from '#libs/contracts';

type Attempt = RunView['attempts'][number];

/** ACR's single platform, as a view of the first of ours. */
export const acrPlatform = (platforms: readonly string[]): TaskView['platform'] => {
  const { os, architecture, variant } = parsePlatform(platforms[0] ?? 'linux/amd64');
  return { os: os === 'windows' ? 'Windows' : 'Linux', architecture, ...(variant ? { variant } : {}) };
};

const acrImage = (reference: string, digest: string) => {
  const { registry, repository, tag } = parseReference(reference);
  return { registry, repository, tag: tag ?? '', digest };
};

const acrOutputs = (outputs: readonly PushedImage[]): RunView['outputImages'] =>
  outputs.map(({ reference, digest }) => acrImage(reference, digest));

const imageUpdateTrigger = (run: string, at: string, causes: readonly Cause[]): RunView['imageUpdateTrigger'] => {
  const images = causes.flatMap((cause) =>
    cause.type === 'BaseImageMoved' ? [acrImage(cause.reference, cause.to)] : [],
  );
  return images.length > 0 ? { id: run, timestamp: at, images } : null;
};

const queuedView = (data: EventData<'run.queued'>, at: string): RunView => ({
  runId: data.run,
  task: data.task,
  team: data.definition.team,
  status: 'Queued',
  runType: data.runType,
  agentPoolName: data.definition.agentPoolName,
  platforms: data.definition.platforms,
  platform: acrPlatform(data.definition.platforms),
  createTime: data.createdAt,
  startTime: null,
  finishTime: null,
  lastUpdatedTime: at,
  runErrorMessage: null,
  causes: data.causes,
  imageUpdateTrigger: imageUpdateTrigger(data.run, data.createdAt, data.causes),
  pins: data.pins,
  inputs: [],
  outputs: [],
  outputImages: [],
  sourceRevision: data.sourceRevision,
  unchanged: null,
  overridden: data.overridden,
  key: data.key,
  waves: data.waves,
  attempts: [],
});

const withAttempt = (view: RunView, number: number, change: Partial<Attempt>): RunView['attempts'] => {
  const known = view.attempts.find((attempt) => attempt.number === number);
  const fresh: Attempt = {
    number,
    status: 'Queued',
    builder: null,
    engine: null,
    isolation: null,
    startedAt: null,
    finishedAt: null,
    message: null,
  };
  return [...view.attempts.filter((attempt) => attempt.number !== number), { ...(known ?? fresh), ...change }];
};

const ended = (
  view: RunView,
  at: string,
  attempt: number | null,
  status: RunView['status'],
  message: string | null,
): RunView => ({
  ...view,
  status,
  finishTime: at,
  lastUpdatedTime: at,
  runErrorMessage: message,
  attempts: attempt === null ? view.attempts : withAttempt(view, attempt, { status, finishedAt: at, message }),
});

/**
 * The view of a run after an event. Statuses are ACR's: Queued, Started (a builder holds it), Running (its images are
 * built and its tags are moving), and the five final ones. An error of ours is an attempt with status Error; the run
 * itself waits, Queued, for the next attempt.
 */
export const evolveRunView = (view: RunView | undefined, event: RecordedEvent): RunView | undefined => {
  const at = event.time;
  if (event.type === 'run.queued') return queuedView(event.data, at);
  if (!view) return undefined;
  switch (event.type) {
    case 'run.started': {
      const { attempt, builder, engine, isolation } = event.data;
      // A builder that takes a lost run over ends the attempt before.
      const attempts = view.attempts.map((one) =>
        one.finishedAt === null
          ? { ...one, status: 'Error' as const, finishedAt: at, message: 'Its builder was lost.' }
          : one,
      );
      return {
        ...view,
        status: 'Started',
        startTime: view.startTime ?? at,
        lastUpdatedTime: at,
        runErrorMessage: null,
        attempts: withAttempt({ ...view, attempts }, attempt, {
          status: 'Started',
          builder,
          engine,
          isolation,
          startedAt: at,
        }),
      };
    }
    case 'run.built': {
      const { attempt, inputs, outputs, sourceRevision } = event.data;
      return {
        ...view,
        status: 'Running',
        inputs,
        outputs,
        outputImages: acrOutputs(outputs),
        sourceRevision,
        lastUpdatedTime: at,
        attempts: withAttempt(view, attempt, { status: 'Running' }),
      };
    }
    case 'run.succeeded': {
      const { attempt, inputs, outputs, sourceRevision, unchanged } = event.data;
      const done = ended(view, at, attempt, 'Succeeded', null);
      return { ...done, inputs, outputs, outputImages: acrOutputs(outputs), sourceRevision, unchanged };
    }
    case 'run.failed':
      return ended(view, at, event.data.attempt, 'Failed', event.data.reason);
    case 'run.timed-out':
      return ended(
        view,
        at,
        event.data.attempt,
        'Timeout',
        `The run took longer than its timeout of ${event.data.seconds} s.`,
      );
    case 'run.canceled':
      return ended(view, at, event.data.attempt, 'Canceled', event.data.message);
    case 'run.errored': {
      const { attempt, reason, retryAt } = event.data;
      if (retryAt === null) return ended(view, at, attempt, 'Error', reason);
      const message = `${reason} Tried again at ${retryAt}.`;
      return {
        ...view,
        status: 'Queued',
        lastUpdatedTime: at,
        runErrorMessage: message,
        attempts: withAttempt(view, attempt, { status: 'Error', finishedAt: at, message: reason }),
      };
    }
    case 'run.unplaced': {
      const { pool } = event.data;
      const message = `No builder serves the pool "${pool}". Start one with PLINTH_POOL=${pool}.`;
      return { ...view, lastUpdatedTime: at, runErrorMessage: message };
    }
    case 'run.dispatched':
      return { ...view, lastUpdatedTime: at, runErrorMessage: null };
    case 'run.cancel-requested':
      return { ...view, lastUpdatedTime: at, runErrorMessage: `${event.data.by} asked to cancel it.` };
    default:
      return view;
  }
};
