import { describe, expect, it } from 'vitest';
import type { EventData } from '#libs/contracts';
import type { Proposed } from '#libs/event-log';
import { decider } from '#libs/testing';
import { runDecider, type BuiltRun } from './run.decider.js';

const queuedData: EventData<'run.queued'> = {
  run: 'c1',
  task: 'app',
  runType: 'AutoBuild',
  key: 'key-1',
  causes: [{ type: 'Manual', by: 'me', at: '2026-01-01T00:00:00.000Z' }],
  offer: 7,
  definition: {
    name: 'app',
    team: 'default',
    platforms: ['linux/amd64'],
    status: 'Enabled',
    agentConfiguration: { cpu: 2 },
    agentPoolName: 'default',
    timeout: 3600,
    step: {
      type: 'Docker',
      contextPath: 'context://sha256:00',
      dockerFilePath: 'Dockerfile',
      imageNames: ['registry.test/app:1'],
      isPushEnabled: true,
      noCache: false,
      arguments: [],
    },
    trigger: { baseImageTrigger: null },
    tags: {},
  },
  definitionHash: 'hash',
  overridden: false,
  pins: [],
  sourceRevision: null,
  priority: 'Base',
  waves: [],
  createdAt: '2026-01-01T00:00:00.000Z',
};

const run = 'c1';
const queued = { type: 'run.queued', data: queuedData } as const;
const dispatched = (attempt = 1) => ({ type: 'run.dispatched', data: { run, attempt, pool: 'default' } }) as const;
const unplaced = { type: 'run.unplaced', data: { run, task: 'app', pool: 'default' } } as const;
const startedBy = (builder: string, attempt = 1) =>
  ({
    type: 'run.started',
    data: { run, attempt, builder, slot: 0, engine: 'docker-buildx', isolation: 'oci' },
  }) as const;
const outcome: BuiltRun = { outputs: [], inputs: [], sourceRevision: 'abc' };
const builtBy = (attempt = 1): Proposed<'run.built'> => ({
  type: 'run.built',
  data: { run, attempt, outputs: [], inputs: [], sourceRevision: 'abc' },
});
const start = (dispatched_: number, builder = 'two') =>
  ({
    type: 'start',
    run,
    dispatched: dispatched_,
    builder,
    slot: 0,
    engine: 'docker-buildx',
    isolation: 'oci',
  }) as const;

const { given } = decider(runDecider, run);

describe('A run', () => {
  it('is queued once, however often that is asked', () => {
    given().when({ type: 'queue', queued: queuedData }).then(queued);
    given(queued).when({ type: 'queue', queued: queuedData }).then();
  });

  it('is dispatched as its next attempt, and not twice', () => {
    given(queued).when({ type: 'dispatch', pool: 'default' }).then(dispatched());
    given(queued, dispatched()).when({ type: 'dispatch', pool: 'default' }).then();
  });

  it('is said to be unplaced once, while it waits for a builder, and again when it waits anew', () => {
    given(queued).when({ type: 'unplaced' }).then(unplaced);
    given(queued, dispatched()).when({ type: 'unplaced' }).then(unplaced);
    given(queued, unplaced).when({ type: 'unplaced' }).then();
    given(queued, unplaced, dispatched()).when({ type: 'unplaced' }).then(unplaced);
    given(queued, dispatched(), startedBy('one')).when({ type: 'unplaced' }).then();
    given(queued, unplaced).when({ type: 'dispatch', pool: 'default' }).then(dispatched());
  });

  it('is started by whoever takes the message', () => {
    given(queued, dispatched()).when(start(1)).then(startedBy('two'));
  });

  it('is taken over with the next attempt when its message comes again', () => {
    given(queued, dispatched(), startedBy('one')).when(start(1)).then(startedBy('two', 2));
  });

  it('is refused to a message of an older dispatch', () => {
    given(queued, dispatched(), startedBy('one')).when(start(2)).thenThrows('ATTEMPT_LOST');
  });

  it('hears no word of a builder that lost it', () => {
    const history = [queued, dispatched(), startedBy('one'), startedBy('two', 2)];
    for (const command of [
      { type: 'built', run, attempt: 1, built: outcome },
      { type: 'fail', run, attempt: 1, code: 'STEP_FAILED', reason: 'no' },
      { type: 'error', run, attempt: 1, reason: 'no', retryAt: null },
      { type: 'time-out', run, attempt: 1, seconds: 1 },
      { type: 'canceled', run, attempt: 1, reason: 'Requested', message: 'no' },
    ] as const) {
      given(...history)
        .when(command)
        .thenThrows('ATTEMPT_LOST');
    }
  });

  it('keeps its digests: what another attempt built is published by the next', () => {
    const history = [queued, dispatched(), startedBy('one'), builtBy(1), startedBy('two', 2)];
    given(...history)
      .when({ type: 'built', run, attempt: 2, built: outcome })
      .then();
    given(...history)
      .when({ type: 'succeed', run, attempt: 2, unchanged: false })
      .then({
        type: 'run.succeeded',
        data: { run, task: 'app', attempt: 2, outputs: [], inputs: [], sourceRevision: 'abc', unchanged: false },
      });
  });

  it('is canceled at once before it starts, and by its builder after', () => {
    given(queued)
      .when({ type: 'request-cancel', run, by: 'me' })
      .then({
        type: 'run.canceled',
        data: { run, task: 'app', attempt: null, reason: 'Requested', message: 'me canceled it before it started.' },
      });
    given(queued, dispatched(), startedBy('one'))
      .when({ type: 'request-cancel', run, by: 'me' })
      .then({ type: 'run.cancel-requested', data: { run, by: 'me' } });
  });

  it('gives way to something newer only before it starts', () => {
    const supersede = { type: 'supersede', run, reason: 'Superseded', message: 'newer' } as const;
    given(queued, dispatched())
      .when(supersede)
      .then({
        type: 'run.canceled',
        data: { run, task: 'app', attempt: null, reason: 'Superseded', message: 'newer' },
      });
    given(queued, dispatched(), startedBy('one')).when(supersede).then();
  });

  it('waits for its retry after an error of ours, as another attempt', () => {
    const errored = {
      type: 'run.errored' as const,
      data: { run, task: 'app', attempt: 1, reason: 'down', retryAt: '2026-01-01T00:00:01.000Z' },
    };
    const history = [queued, dispatched(), startedBy('one'), errored];
    expect(given(...history).state).toMatchObject({ phase: 'Queued', retryAt: '2026-01-01T00:00:01.000Z' });
    given(...history)
      .when({ type: 'dispatch', pool: 'default' })
      .then(dispatched(2));
  });

  it('is over when it has ended, and stays as it is', () => {
    const failed = {
      type: 'run.failed',
      data: { run, task: 'app', attempt: 1, code: 'STEP_FAILED', reason: 'no' },
    } as const;
    const history = [queued, dispatched(), startedBy('one'), failed];
    const { state } = given(...history);
    expect(runDecider.isOver?.(state)).toBe(true);
    given(...history)
      .when({ type: 'request-cancel', run, by: 'me' })
      .then();
    given(...history)
      .when(start(1))
      .thenThrows('ATTEMPT_LOST');
  });
});
