import { describe, expect, it } from 'vitest';
import type { RunView } from '#libs/contracts';
import { runViewSchema } from '#libs/contracts';
import type { Proposed } from '#libs/event-log';
import { definitionOf, digestOf, moved, queuedOf, recorded } from '../testing/samples.js';
import { acrPlatform, evolveRunView } from './run-view.js';

const output = {
  reference: 'registry.test/app:1',
  digest: digestOf('c'),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  platforms: { 'linux/amd64': digestOf('c') },
};
const queued = queuedOf('r1', 'app');
const started = (attempt: number): Proposed => ({
  type: 'run.started',
  data: { run: 'r1', attempt, builder: `b${attempt}`, slot: 0, engine: 'docker-buildx', isolation: 'oci' },
});
const built: Proposed = {
  type: 'run.built',
  data: { run: 'r1', attempt: 1, outputs: [output], inputs: [], sourceRevision: 'abc' },
};
const succeeded = (attempt = 1): Proposed => ({
  type: 'run.succeeded',
  data: { run: 'r1', task: 'app', attempt, outputs: [output], inputs: [], sourceRevision: 'abc', unchanged: false },
});
const failed: Proposed = {
  type: 'run.failed',
  data: { run: 'r1', task: 'app', attempt: 1, code: 'STEP_FAILED', reason: 'RUN make: exit code 2' },
};
const errored = (attempt: number, retryAt: string | null): Proposed => ({
  type: 'run.errored',
  data: { run: 'r1', task: 'app', attempt, reason: 'The registry answered 503.', retryAt },
});
const canceled = (attempt: number | null): Proposed => ({
  type: 'run.canceled',
  data: { run: 'r1', task: 'app', attempt, reason: 'Requested', message: 'ada canceled run r1.' },
});

const view = (...events: Proposed[]): RunView => {
  const end = events.reduce<RunView | undefined>(
    (now, event, index) => evolveRunView(now, recorded(event, index + 1, 'r1')),
    undefined,
  );
  // Whatever happened, the view is as the API describes it.
  return runViewSchema.parse(end);
};
const second = (n: number) => `2026-01-01T00:00:0${n}.000Z`;

describe('the view of a run', () => {
  it('goes through the statuses of ACR', () => {
    expect(view(queued).status).toBe('Queued');
    expect(view(queued, started(1)).status).toBe('Started');
    expect(view(queued, started(1), built).status).toBe('Running');
    expect(view(queued, started(1), built, succeeded()).status).toBe('Succeeded');
    expect(view(queued, started(1), failed).status).toBe('Failed');
    expect(view(queued, started(1), canceled(1)).status).toBe('Canceled');
    expect(view(queued, canceled(null)).status).toBe('Canceled');
    const timedOut: Proposed = {
      type: 'run.timed-out',
      data: { run: 'r1', task: 'app', attempt: 1, seconds: 3600 },
    };
    expect(view(queued, started(1), timedOut)).toMatchObject({
      status: 'Timeout',
      runErrorMessage: 'The run took longer than its timeout of 3600 s.',
    });
    expect(view(queued, started(1), errored(1, null)).status).toBe('Error');
  });

  it('says when it was created, began and ended, and what came out', () => {
    expect(view(queued, started(1), built, succeeded())).toMatchObject({
      createTime: '2026-01-01T00:00:00.000Z',
      startTime: second(2),
      finishTime: second(4),
      lastUpdatedTime: second(4),
      outputs: [output],
      outputImages: [{ registry: 'registry.test', repository: 'app', tag: '1', digest: digestOf('c') }],
      sourceRevision: 'abc',
      unchanged: false,
      runErrorMessage: null,
    });
  });

  it('says when no builder serves its pool, until one takes it', () => {
    const unplaced: Proposed = { type: 'run.unplaced', data: { run: 'r1', task: 'app', pool: 'gpu' } };
    expect(view(queued, unplaced)).toMatchObject({
      status: 'Queued',
      runErrorMessage: 'No builder serves the pool "gpu". Start one with PLINTH_POOL=gpu.',
    });
    const dispatched: Proposed = { type: 'run.dispatched', data: { run: 'r1', attempt: 1, pool: 'gpu' } };
    expect(view(queued, unplaced, dispatched).runErrorMessage).toBeNull();
  });

  it('waits for the next attempt after an error of ours, and keeps each attempt', () => {
    const waiting = view(queued, started(1), errored(1, second(9)));
    expect(waiting).toMatchObject({
      status: 'Queued',
      finishTime: null,
      runErrorMessage: `The registry answered 503. Tried again at ${second(9)}.`,
      attempts: [{ number: 1, status: 'Error', message: 'The registry answered 503.', finishedAt: second(3) }],
    });
    const done = view(queued, started(1), errored(1, second(9)), started(2), succeeded(2));
    expect(done).toMatchObject({ status: 'Succeeded', startTime: second(2), runErrorMessage: null });
    expect(done.attempts.map(({ number, status, builder }) => [number, status, builder])).toEqual([
      [1, 'Error', 'b1'],
      [2, 'Succeeded', 'b2'],
    ]);
  });

  it('ends the attempt of a builder that was lost when another one takes over', () => {
    expect(view(queued, started(1), started(2)).attempts).toMatchObject([
      { number: 1, status: 'Error', message: 'Its builder was lost.', finishedAt: second(3) },
      { number: 2, status: 'Started', finishedAt: null },
    ]);
  });

  it('shows moved base images as the imageUpdateTrigger of ACR', () => {
    expect(view(queued).imageUpdateTrigger).toEqual({
      id: 'r1',
      timestamp: '2026-01-01T00:00:00.000Z',
      images: [{ registry: 'docker.io', repository: 'library/node', tag: '22', digest: digestOf('b') }],
    });
    const byHand = queuedOf('r1', 'app', { causes: [{ type: 'Manual', by: 'ada', at: second(1) }] });
    expect(view(byHand).imageUpdateTrigger).toBeNull();
    expect(view(queuedOf('r1', 'app', { causes: [moved, moved] })).imageUpdateTrigger?.images).toHaveLength(2);
  });

  it('shows the first platform as the platform of ACR', () => {
    expect(acrPlatform(['linux/arm/v7', 'linux/amd64'])).toEqual({ os: 'Linux', architecture: 'arm', variant: 'v7' });
    expect(acrPlatform(['windows/amd64'])).toEqual({ os: 'Windows', architecture: 'amd64' });
    const definition = definitionOf('app', {}, { platforms: ['linux/arm64'] });
    expect(view(queuedOf('r1', 'app', { definition })).platforms).toEqual(['linux/arm64']);
  });

  it('is none for a run that was never queued', () => {
    expect(evolveRunView(undefined, recorded(started(1), 1))).toBeUndefined();
  });
});
