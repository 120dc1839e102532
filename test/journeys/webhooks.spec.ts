import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Plinth } from '../support/plinth.js';
import { isSignedWith, Receiver } from '../support/receiver.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

/** What is written down a moment after an endpoint has answered. */
const eventually = async <T>(read: () => Promise<T>, suits: (value: T) => boolean): Promise<T> => {
  for (;;) {
    const value = await read();
    if (suits(value)) return value;
    await delay(20);
  }
};
const now = (): number => Math.floor(Date.now() / 1000);

describe('webhooks', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let receiver: Receiver;
  let secret: string;

  /** A run of a task that nobody builds: it is queued and canceled at once, and tells of both. */
  const happen = async (): Promise<string> => {
    const { runId } = await plinth.client.runTask({ name: 'idle' });
    await plinth.client.cancelRun({ run: runId });
    await plinth.until('run.canceled', ({ run }) => run === runId);
    return runId;
  };
  const make = async (name: string, eventTypes: string[]): Promise<string> =>
    (await plinth.client.createWebhook({ name, url: `${receiver.url}/${name}`, eventTypes })).secret;

  beforeAll(async () => {
    [plinth, registry, receiver] = await Promise.all([
      Plinth.start({ env: { PLINTH_WEBHOOK_ALLOW: '127.0.0.0/8' } }),
      startRegistry(),
      Receiver.start(),
    ]);
    const base = `${registry.host}/base:1`;
    await registry.push('base', '1', 'first');
    await plinth.client.createRegistry({ host: registry.host, scheme: 'http', poll: { intervalSeconds: 1 } });
    const step = {
      type: 'Docker' as const,
      contextPath: 'https://git.test/app.git',
      imageNames: ['registry.test/i:1'],
    };
    await plinth.client.createTask({ name: 'idle', agentPoolName: 'nobody', step });
    await plinth.task('app', { files: `FROM ${base}\nCOPY Dockerfile /app\n`, image: `${registry.host}/app:1` });
    await plinth.watching('app');
    secret = await make('good', ['run.*', 'wave.*', 'tag.*']);
  });
  afterAll(async () => {
    await plinth?.close();
    await receiver?.close();
    await registry?.close();
  });

  it('tell of runs, images and waves, in order, each signed', async () => {
    const { position: since } = await plinth.until('webhook.created', ({ definition }) => definition.name === 'good');
    await plinth.build('app');
    const seen = plinth.feed.events.length;
    await registry.push('base', '1', 'second');
    await plinth.until('wave.closed', () => true, seen);
    const wanted = plinth.feed.events.filter(
      ({ type, position }) => position > since && /^(run|wave|tag)\./.test(type),
    );
    const received = await receiver.until('/good', (list) => list.length >= wanted.length);
    expect(received.map(({ type, data }) => [data.position, type])).toEqual(
      wanted.map(({ type, position }) => [position, type]),
    );
    expect(new Set(received.map(({ type }) => type))).toEqual(
      new Set(
        'run.queued run.dispatched run.started run.built run.succeeded tag.moved tag.adopted wave.opened wave.closed'.split(
          ' ',
        ),
      ),
    );
    for (const one of received) {
      expect(isSignedWith(secret, one)).toBe(true);
      expect(Math.abs(one.timestamp - now())).toBeLessThan(300);
      expect(Buffer.byteLength(one.body)).toBeLessThan(20_000);
    }
    // The check can fail: another secret, another body, another time.
    const [first] = received as [(typeof received)[0]];
    expect(isSignedWith(`whsec_${Buffer.alloc(32).toString('base64')}`, first)).toBe(false);
    expect(isSignedWith(secret, { ...first, body: `${first.body} ` })).toBe(false);
    expect(isSignedWith(secret, { ...first, timestamp: first.timestamp + 1 })).toBe(false);
    const built = received.find(({ type }) => type === 'run.succeeded');
    expect(built?.data).toMatchObject({ task: 'app', images: [{ reference: `${registry.host}/app:1` }] });
  });

  it('show their secret once, keep it sealed, and are tested when somebody asks', async () => {
    const shown = JSON.stringify([
      await plinth.client.getWebhook({ name: 'good' }),
      await plinth.client.listWebhooks(),
      await plinth.client.listSecrets(),
      plinth.feed.events,
    ]);
    expect(shown).not.toContain('whsec_');
    expect(shown).not.toContain('~webhook');
    expect(plinth.log()).not.toContain(secret);
    expect(await plinth.client.testWebhook({ name: 'good' })).toMatchObject({ outcome: 'Delivered', httpStatus: 204 });
    const [test] = await receiver
      .until('/good', (list) => list.at(-1)?.type === 'webhook.test')
      .then((l) => l.slice(-1));
    expect(isSignedWith(secret, test!)).toBe(true);
  });

  it('are signed with the old secret too, for a while after they got a new one', async () => {
    const { secret: fresh } = await plinth.client.rotateWebhookSecret({ name: 'good' });
    expect(await plinth.client.testWebhook({ name: 'good' })).toMatchObject({ outcome: 'Delivered' });
    const last = receiver.at('/good').at(-1)!;
    expect(last.signatures).toHaveLength(2);
    expect([isSignedWith(fresh, last), isSignedWith(secret, last)]).toEqual([true, true]);
    secret = fresh;
  });

  it('wait for nobody: one that hangs delays no other', async () => {
    receiver.answer('/hanging', () => undefined);
    await make('hanging', ['run.canceled']);
    const runs = [await happen(), await happen(), await happen()];
    await receiver.until('/good', (list) => runs.every((run) => list.some(({ data }) => data['run'] === run)));
    const hanging = await receiver.until('/hanging', (list) => list.length > 0);
    expect(hanging.map(({ data }) => data['run'])).toEqual(runs.slice(0, 1));
    await plinth.client.deleteWebhook({ name: 'hanging' });
  });

  it('stop where they are not wanted any more (410), which is said, and go on when they are enabled again', async () => {
    receiver.answer('/gone', (response) => response.writeHead(410).end());
    await make('gone', ['run.canceled']);
    const before = plinth.feed.events.length;
    const run = await happen();
    const { data } = await plinth.until('webhook.disabled', ({ webhook }) => webhook === 'gone', before);
    expect(data).toMatchObject({ reason: 'Gone' });
    await happen();
    expect(await plinth.client.getWebhook({ name: 'gone' })).toMatchObject({
      status: 'Disabled',
      disabled: { by: 'Gone', message: 'The endpoint answered 410: it wants nothing more.' },
    });
    expect(receiver.at('/gone')).toHaveLength(1);
    receiver.answer('/gone', (response) => response.writeHead(200).end());
    await plinth.client.updateWebhook({ name: 'gone', status: 'Enabled' });
    const received = await receiver.until('/gone', (list) => list.length === 3);
    expect(received.map(({ data: told }) => told['run'])).toEqual([run, run, expect.any(String)]);
    expect(received[1]?.id).toBe(received[0]?.id);
  });

  it('follow no redirect, and try again what failed, under the same id, also when Plinth was killed meanwhile', async () => {
    receiver.answer('/moved', (response) => response.writeHead(301, { location: `${receiver.url}/elsewhere` }).end());
    await make('moved', ['run.canceled']);
    receiver.answer('/flaky', (response) => response.writeHead(503).end());
    await make('flaky', ['run.canceled']);
    const runs = [await happen(), await happen()];
    await receiver.until('/moved', (list) => list.length > 0);
    await receiver.until('/flaky', (list) => list.length > 0);
    const view = (name: string) => () => plinth.client.getWebhook({ name });
    await eventually(view('flaky'), ({ failing }) => failing !== null);
    expect((await eventually(view('moved'), ({ failing }) => failing !== null)).failing).toMatchObject({
      attempts: 1,
      error: 'it answered 301; redirects are not followed, change the URL',
    });
    // What was posted and not written down yet when it dies is posted again; here nothing is.
    const last = plinth.seen('run.canceled').at(-1)!.position;
    await eventually(view('good'), ({ position }) => position >= last);
    const good = receiver.at('/good').length;
    await plinth.kill();
    receiver.answer('/flaky', (response) => response.writeHead(200).end());
    await plinth.start();
    const received = await receiver.until('/flaky', (list) => list.length >= 3);
    expect(received.map(({ data }) => data['run'])).toEqual([runs[0], ...runs]);
    expect(received[1]?.id).toBe(received[0]?.id);
    expect(received[1]!.timestamp).toBeGreaterThan(received[0]!.timestamp);
    const { deliveries } = await eventually(
      () => plinth.client.listDeliveries({ name: 'flaky' }),
      (list) => list.deliveries.length === 2,
    );
    expect(deliveries.map(({ attempts, outcome }) => [attempts, outcome])).toEqual([
      [1, 'Delivered'],
      [2, 'Delivered'],
    ]);
    // What was delivered before is not told again.
    const run = await happen();
    const after = await receiver.until('/good', (list) =>
      list.some(({ data, type }) => type === 'run.canceled' && data['run'] === run),
    );
    const positions = after.filter(({ type }) => type !== 'webhook.test').map(({ data }) => data.position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(after.length).toBeGreaterThan(good);
    expect(receiver.at('/elsewhere')).toEqual([]);
  });

  it('deliver a part of the log again when somebody asks, under the ids that were', async () => {
    const before = receiver.at('/good').filter(({ type }) => type !== 'webhook.test');
    const [from, to] = [before[2]!, before[5]!];
    await plinth.client.replayWebhook({ name: 'good', from: from.data.position, to: to.data.position });
    const after = await receiver.until('/good', (list) => list.slice(-1)[0]?.id === to.id);
    expect(after.slice(-4).map(({ id }) => id)).toEqual(before.slice(2, 6).map(({ id }) => id));
    await eventually(
      () => plinth.client.getWebhook({ name: 'good' }),
      ({ replays }) => replays.length === 0,
    );
    const { deliveries } = await plinth.client.listDeliveries({ name: 'good', pageSize: 4 });
    expect(deliveries.every(({ replay }) => replay)).toBe(true);
    await expect(plinth.client.replayWebhook({ name: 'good', from: 5, to: 1_000_000 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'to' }],
    });
  });

  it('are refused with what is wrong with them', async () => {
    const bad = async (more: object): Promise<string[]> => {
      const body = { name: 'bad', url: `${receiver.url}/bad`, eventTypes: ['run.*'], ...more };
      const { status, body: answer } = await plinth.json('POST', '/v1/webhooks', body);
      expect(status).toBe(400);
      return (answer as { errors: { field: string }[] }).errors.map(({ field }) => field);
    };
    expect(await bad({ url: 'https://10.0.0.1/' })).toEqual(['url']);
    expect(await bad({ url: 'http://[::1]/' })).toEqual(['url']);
    expect(await bad({ url: 'https://me:secret@hooks.test/' })).toEqual(['url']);
    expect(await bad({ url: 'ftp://hooks.test/' })).toEqual(['url']);
    expect(await bad({ eventTypes: ['task.created'] })).toEqual(['eventTypes[0]']);
    expect(await bad({ eventTypes: [] })).toEqual(['eventTypes']);
    expect(await bad({ name: 'a b' })).toEqual(['name']);
  });
});
