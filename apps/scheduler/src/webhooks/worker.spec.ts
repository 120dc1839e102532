import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryJet, silentLogger, type NewEvent } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import type { Message } from './payload.js';
import { ProgressStore } from './progress.js';
import type { Outcome } from './sender.js';
import { webhookDecider, type WebhookState } from './webhook.decider.js';
import { WebhookWorker } from './worker.js';

const second = 1000;
const hour = 3600 * second;
const ok: Outcome = { ok: true, httpStatus: 200, error: null, retryAfterMs: null };
const answered = (httpStatus: number, retryAfterMs: number | null = null): Outcome => ({
  ok: false,
  httpStatus,
  error: `it answered ${httpStatus}`,
  retryAfterMs,
});

let jet: MemoryJet;
let clock: FakeClock;
let progress: ProgressStore;
let posted: { readonly message: Message; readonly at: string }[];
let disabled: object[];
let answer: (message: Message) => Outcome | Promise<Outcome>;
let workers: WebhookWorker[];

const state: WebhookState = {
  ...webhookDecider.initialState,
  definition: { name: 'ci', url: 'https://hooks.test/', eventTypes: ['run.canceled'], team: 'web', status: 'Enabled' },
  createdAt: '2026-01-01T00:00:00.000Z',
  secretVersion: 1,
};
const start = (more: Partial<WebhookState> = {}): WebhookWorker => {
  const worker = new WebhookWorker(
    'ci',
    { ...state, ...more },
    {
      log: jet.events,
      progress,
      clock,
      logger: silentLogger,
      random: () => 0,
      taskOf: () => Promise.resolve('app'),
      post: async (_state, message) => {
        posted.push({ message, at: clock.now().toISOString() });
        return answer(message);
      },
      disable: (data) => {
        disabled.push(data);
        return Promise.resolve();
      },
    },
  );
  workers.push(worker);
  worker.start();
  return worker;
};
const canceled = (run: string): NewEvent => ({
  id: `id-${run}`,
  type: 'run.canceled',
  data: { run, task: 'app', attempt: null, reason: 'Requested', message: 'x' },
  causation: null,
  correlation: null,
  traceparent: null,
});
const append = async (...runs: string[]): Promise<void> => {
  for (const run of runs) await jet.events.append({ kind: 'run', id: run }, 0, [canceled(run)]);
};
const ids = (): string[] => posted.map(({ message }) => message.id);
/** What is under way goes on; time does not. */
const settle = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await clock.advance(0);
};
const crash = (): void => {
  // A process that is killed writes nothing more and hears nothing more.
  posted = [];
  for (const worker of workers.splice(0)) void worker.stop({ abandon: true });
};

beforeEach(() => {
  clock = new FakeClock();
  jet = new MemoryJet({ clock });
  progress = new ProgressStore(jet.kv('webhooks'));
  posted = [];
  disabled = [];
  workers = [];
  answer = () => ok;
});

describe('the deliveries of a webhook', () => {
  it('are in order, once, and of what happened since it was made', async () => {
    await append('a', 'b');
    start({ since: 1 });
    await settle();
    await append('c');
    await settle();
    expect(ids()).toEqual(['id-b', 'id-c']);
    expect((await progress.load('ci')).progress).toMatchObject({
      live: { position: 3, failing: null },
      deliveries: [
        { position: 3, outcome: 'Delivered', attempts: 1, httpStatus: 200 },
        { position: 2, outcome: 'Delivered' },
      ],
    });
  });

  it('are tried again on the schedule, with the same id, while those after them wait', async () => {
    let failures = 3;
    answer = () => (failures-- > 0 ? answered(503) : ok);
    start();
    await append('a', 'b');
    await settle();
    expect(ids()).toEqual(['id-a']);
    await clock.advance(5 * second - 1);
    expect(ids()).toHaveLength(1);
    await clock.advance(1);
    await settle();
    expect(ids()).toEqual(['id-a', 'id-a']);
    expect((await progress.load('ci')).progress?.live).toEqual({
      position: 0,
      failing: {
        position: 1,
        attempts: 2,
        nextAttemptAt: new Date(clock.now().getTime() + 300 * second).toISOString(),
        error: 'it answered 503',
      },
    });
    await clock.advance(300 * second);
    await settle();
    await clock.advance(1800 * second);
    await settle();
    expect(ids()).toEqual(['id-a', 'id-a', 'id-a', 'id-a', 'id-b']);
  });

  it('leave an endpoint alone for as long as it asks', async () => {
    answer = () => answered(429, 60 * second);
    start();
    await append('a');
    await settle();
    await clock.advance(59 * second);
    await settle();
    expect(ids()).toHaveLength(1);
    await clock.advance(second);
    await settle();
    expect(ids()).toHaveLength(2);
  });

  it('end after the tenth try: the webhook is disabled, and it is said why', async () => {
    answer = () => answered(500);
    start({ enabledSince: 0 });
    await append('a', 'b');
    for (let hours = 0; hours < 90; hours += 1) {
      await settle();
      await clock.advance(hour);
    }
    await settle();
    expect(ids()).toEqual(Array.from({ length: 10 }, () => 'id-a'));
    expect(disabled).toEqual([
      {
        webhook: 'ci',
        reason: 'Exhausted',
        position: 1,
        message: 'The event at 1 was tried 10 times; the last time it answered 500.',
        enabledSince: 0,
      },
    ]);
    // Enabled anew it begins with what it could not deliver.
    crash();
    answer = () => ok;
    start({ enabledSince: 9 });
    await settle();
    expect(ids()).toEqual(['id-a', 'id-b']);
  });

  it('end at once when the endpoint says that it is gone', async () => {
    answer = () => answered(410);
    start();
    await append('a', 'b');
    await settle();
    expect(ids()).toEqual(['id-a']);
    expect(disabled).toMatchObject([{ reason: 'Gone', position: 1 }]);
  });

  it('go on where they were when the process was killed: the schedule does not begin anew', async () => {
    answer = () => answered(503);
    start();
    await append('a', 'b');
    await settle();
    await clock.advance(5 * second);
    await settle();
    expect(ids()).toHaveLength(2);
    crash();
    await settle();
    start();
    await settle();
    expect(ids()).toEqual([]);
    answer = () => ok;
    await clock.advance(300 * second);
    await settle();
    expect(ids()).toEqual(['id-a', 'id-b']);
    expect((await progress.load('ci')).progress?.deliveries.at(-1)).toMatchObject({ position: 1, attempts: 3 });
    crash();
    start();
    await settle();
    expect(ids()).toEqual([]);
  });

  it('say a thing twice at worst, under the same id, when the process is killed during a try', async () => {
    const hanging = Promise.withResolvers<Outcome>();
    answer = () => hanging.promise;
    start();
    await append('a');
    await settle();
    expect(ids()).toEqual(['id-a']);
    crash();
    hanging.resolve(ok);
    answer = () => ok;
    await settle();
    start();
    await settle();
    expect(ids()).toEqual(['id-a']);
  });

  it('finish a try that is under way when the webhook is changed, and do not repeat it', async () => {
    const hanging = Promise.withResolvers<Outcome>();
    answer = () => hanging.promise;
    const worker = start();
    await append('a');
    await settle();
    const stopped = worker.stop({ abandon: false });
    hanging.resolve(ok);
    await stopped;
    start({ secretVersion: 2 });
    await settle();
    expect(ids()).toEqual(['id-a']);
  });

  it('are not counted against the endpoint when the fault is ours', async () => {
    let broken = true;
    answer = () => {
      if (broken) throw new Error('the secret cannot be opened');
      return ok;
    };
    start();
    await append('a');
    await settle();
    broken = false;
    await clock.advance(5 * second);
    await settle();
    expect((await progress.load('ci')).progress?.deliveries).toMatchObject([{ attempts: 1, outcome: 'Delivered' }]);
  });

  it('begin anew for a namesake of a deleted webhook', async () => {
    await append('a', 'b', 'c');
    start();
    await settle();
    crash();
    start({ since: 2 });
    await settle();
    expect(ids()).toEqual(['id-c']);
  });
});

describe('a replay', () => {
  it('delivers a part of the log again, beside what happens now, and is done once', async () => {
    await append('a', 'b', 'c', 'd');
    start();
    await settle();
    crash();
    const again = { replays: [{ at: 100, from: 2, to: 3 }] };
    start(again);
    await settle();
    await append('e');
    await settle();
    expect(ids().sort()).toEqual(['id-b', 'id-c', 'id-e']);
    expect((await progress.load('ci')).progress).toMatchObject({
      replay: null,
      replayed: 100,
      deliveries: expect.arrayContaining([expect.objectContaining({ position: 2, replay: true })]),
    });
    crash();
    start(again);
    await settle();
    expect(ids()).toEqual([]);
  });

  it('goes on in the middle when the process was killed, and does not hold up what happens now', async () => {
    await append('a', 'b', 'c');
    start();
    await settle();
    crash();
    answer = ({ id }) => (id === 'id-b' ? answered(503) : ok);
    const again = { replays: [{ at: 100, from: 1, to: 3 }] };
    start(again);
    await append('d');
    await settle();
    expect(ids().sort()).toEqual(['id-a', 'id-b', 'id-d']);
    crash();
    answer = () => ok;
    start(again);
    await clock.advance(5 * second);
    await settle();
    expect(ids()).toEqual(['id-b', 'id-c']);
  });
});
