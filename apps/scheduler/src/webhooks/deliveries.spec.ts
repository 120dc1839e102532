import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AggregateStore, Commands, MemoryJet, Projector, silentLogger } from '#libs/event-log';
import { FakeClock, tempDir, type TempDir } from '#libs/testing';
import { Deliveries } from './deliveries.js';
import { ProgressStore } from './progress.js';
import type { Outcome } from './sender.js';
import { webhookDecider, type WebhookCommand } from './webhook.decider.js';

const ok: Outcome = { ok: true, httpStatus: 204, error: null, retryAfterMs: null };
const name = 'ci';
const by = 'ada';
const definition = { name, url: 'https://hooks.test/', eventTypes: ['run.*'], team: 'web', status: 'Enabled' as const };

describe('several processes that deliver', () => {
  let dir: TempDir;
  let clock: FakeClock;
  let jet: MemoryJet;
  let posted: string[];
  let answer: () => Outcome;
  let replicas: Awaited<ReturnType<typeof replica>>[];

  const replica = async (holder: string) => {
    const webhooks = new AggregateStore(webhookDecider);
    const log = jet.events;
    const projector = new Projector({ log, file: join(dir.path, `${holder}.sqlite`), projections: [webhooks], clock });
    await projector.start();
    const commands = new Commands({ log, projector });
    const deliveries = new Deliveries({
      webhooks,
      commands,
      leases: jet.kv('leases'),
      holder,
      log,
      progress: new ProgressStore(jet.kv('webhooks')),
      clock,
      logger: silentLogger,
      random: () => 0,
      taskOf: () => Promise.resolve(null),
      post: (_state, { id }) => {
        posted.push(`${holder} ${id}`);
        return Promise.resolve(answer());
      },
    });
    projector.onBatch((events) => {
      deliveries.attend(events.flatMap(({ aggregate }) => (aggregate.kind === 'webhook' ? [aggregate.id] : [])));
    });
    await deliveries.start();
    const execute = (command: WebhookCommand) => commands.execute(webhooks, webhookDecider, name, command);
    const stop = async (): Promise<void> => {
      await deliveries.stop();
      await projector.stop();
    };
    return { webhooks, deliveries, execute, stop };
  };
  const happen = (run: string) =>
    jet.events.append({ kind: 'run', id: run }, 0, [
      {
        id: run,
        type: 'run.canceled',
        data: { run, task: null, attempt: null, reason: 'Requested', message: 'x' },
        causation: null,
        correlation: null,
        traceparent: null,
      },
    ]);
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 30; n += 1) await clock.advance(0);
  };

  beforeEach(async () => {
    dir = await tempDir('deliveries');
    clock = new FakeClock();
    jet = new MemoryJet({ clock });
    posted = [];
    answer = () => ok;
    replicas = [await replica('one'), await replica('two')];
  });
  afterEach(async () => {
    for (const { stop } of replicas) await stop();
    await dir.remove();
  });

  it('tell each thing once, whoever was asked to make the webhook, and another one goes on when one stops', async () => {
    const [one, two] = replicas as [(typeof replicas)[0], (typeof replicas)[0]];
    await two.execute({ type: 'create', definition, secretVersion: 1, by });
    await happen('a');
    await settle();
    expect(posted).toEqual(['one a']);
    await one.deliveries.stop();
    await happen('b');
    await clock.advance(5_000);
    await settle();
    expect(posted).toEqual(['one a', 'two b']);
  });

  it('disable a webhook for all of them, and end with one that is deleted', async () => {
    const [one, two] = replicas as [(typeof replicas)[0], (typeof replicas)[0]];
    await one.execute({ type: 'create', definition, secretVersion: 1, by });
    answer = () => ({ ...ok, ok: false, httpStatus: 410, error: 'it answered 410' });
    await happen('a');
    await settle();
    expect(two.webhooks.get(name).state).toMatchObject({
      definition: { status: 'Disabled' },
      disabled: { by: 'Gone' },
    });
    answer = () => ok;
    await two.execute({ type: 'update', name, patch: { status: 'Enabled' }, by });
    await settle();
    expect(posted).toEqual(['one a', 'one a']);
    expect(await jet.kv('webhooks').get(name)).toBeDefined();
    await two.execute({ type: 'delete', name, by });
    await happen('b');
    await settle();
    expect(posted).toHaveLength(2);
    expect(await jet.kv('webhooks').get(name)).toBeUndefined();
  });
});
