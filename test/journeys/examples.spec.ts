import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { connect, headers, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '#libs/testing';
import { Plinth } from '../support/plinth.js';
import { Program } from '../support/program.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';
import { Services } from '../support/services.js';

const step = { type: 'Docker' as const, contextPath: 'https://git.test/app.git', imageNames: ['registry.test/app:1'] };
type Json = Record<string, unknown>;
const json = (lines: readonly string[]): Json[] => lines.map((line) => JSON.parse(line) as Json);

/** The permissions that docs/watching.md lists, as a nats-server reads them. */
const documented = async (): Promise<string> => {
  const page = await readFile(join(repositoryRoot, 'docs/watching.md'), 'utf8');
  const [, block] = /```conf\n([\s\S]*?)```/.exec(page) ?? [];
  if (block === undefined) throw new Error('docs/watching.md has no block of permissions any more.');
  return block;
};

describe('a subscriber of another team, with the permissions that are documented', () => {
  let plinth: Services;
  const env = (): NodeJS.ProcessEnv => ({
    NATS_URL: plinth.nats.url,
    NATS_USER: 'web',
    NATS_PASSWORD: 'web-password',
    DURABLE: 'web-dashboard',
    SUBJECT: 'plinth.events.run.>',
  });
  const subscriber = () => new Program('examples/subscriber/main.mjs', [], env());
  const happen = async (): Promise<string> => {
    const client = plinth.client('scheduler');
    const { runId } = await client.runTask({ name: 'app' });
    await client.cancelRun({ run: runId });
    return runId;
  };
  const canceled = (lines: readonly string[]): unknown[] =>
    json(lines).flatMap(({ type, subject }) => (type === 'dev.plinth.run.canceled.v1' ? [subject] : []));

  const operator = { NATS_USER: 'plinth', NATS_PASSWORD: 'plinth-password' };

  beforeAll(async () => {
    plinth = await Services.start({
      only: ['scheduler'],
      nats: { config: await documented() },
      env: { PLINTH_NATS_USER: 'plinth', PLINTH_NATS_PASSWORD: 'plinth-password' },
    });
    await plinth.client('scheduler').createTask({ name: 'app', agentPoolName: 'nobody', step });
  });
  afterAll(() => plinth?.stop());

  it('needs an operator to make its consumer', async () => {
    const early = subscriber();
    expect(await early.ended).toBe(1);
    expect(early.errors).toContain('There is no consumer web-dashboard. An operator makes it');
    const itself = new Program('examples/subscriber/main.mjs', ['create'], env());
    expect(await itself.ended).toBe(1);
    expect(itself.errors).toContain('Permissions Violation');
    const made = new Program('examples/subscriber/main.mjs', ['create'], { ...env(), ...operator });
    expect(await made.ended, made.errors).toBe(0);
  });

  it('prints each event of its subject once, and goes on where it stopped, however it was ended', async () => {
    const first = await happen();
    const before = subscriber();
    await before.until((lines) => canceled(lines).includes(first));
    expect(await before.stop('SIGTERM')).toBe(0);
    const missed = await happen();
    const after = subscriber();
    await after.until((lines) => canceled(lines).includes(missed));
    await after.stop('SIGKILL');
    const last = await happen();
    const again = subscriber();
    await again.until((lines) => canceled(lines).includes(last));
    await again.stop();
    const events = json([...before.lines, ...after.lines, ...again.lines]);
    const ids = events.map(({ id }) => id);
    // One may be printed twice where it was killed.
    expect(ids.length - new Set(ids).size).toBeLessThanOrEqual(1);
    const inLog: Json[] = [];
    for await (const event of plinth.client('scheduler').watchEvents({ after: 0, types: 'run' })) {
      inLog.push(event);
      if (event.subject === last && event.type === 'run.canceled') break;
    }
    expect([...new Set(ids)]).toEqual(inLog.map(({ id }) => id));
    expect(events[0]).toMatchObject({
      specversion: '1.0',
      source: '/plinth/scheduler',
      type: 'dev.plinth.run.queued.v1',
      subject: first,
      datacontenttype: 'application/json',
      data: { run: first, task: 'app' },
    });
  });

  it('can read, and do nothing else', async () => {
    const asWeb = (inboxPrefix?: string): Promise<NatsConnection> =>
      connect({
        servers: plinth.nats.url,
        user: 'web',
        pass: 'web-password',
        ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
      });
    const connection = await asWeb('_INBOX_web-dashboard');
    try {
      const ask = (subject: string, body: object | string = '') =>
        connection.request(subject, typeof body === 'string' ? body : JSON.stringify(body), { timeout: 2000 }).then(
          () => 'answered',
          (error: { code?: string }) => error.code,
        );
      const denied = 'PERMISSIONS_VIOLATION';
      const forged = headers();
      forged.set('ce-type', 'dev.plinth.task.deleted.v1');
      expect(await ask('plinth.events.task.app', '{"task":"app","by":"web"}')).toBe(denied);
      expect(await ask('$JS.API.STREAM.PURGE.PLINTH_EVENTS')).toBe(denied);
      expect(await ask('$JS.API.STREAM.DELETE.PLINTH_EVENTS')).toBe(denied);
      expect(await ask('$JS.API.STREAM.MSG.GET.KV_secrets', { last_by_subj: '$KV.secrets.>' })).toBe(denied);
      expect(await ask('$JS.API.DIRECT.GET.KV_tokens', { last_by_subj: '$KV.tokens.>' })).toBe(denied);
      expect(await ask('$JS.API.CONSUMER.DELETE.PLINTH_EVENTS.web-dashboard')).toBe(denied);
      expect(await ask('$JS.API.CONSUMER.MSG.NEXT.PLINTH_EVENTS.of-somebody-else', { batch: 1 })).toBe(denied);
      expect(await ask('$JS.API.CONSUMER.CREATE.PLINTH_EVENTS.web-dashboard', {})).toBe(denied);
      expect(await ask('$JS.API.CONSUMER.DURABLE.CREATE.PLINTH_EVENTS.web-dashboard', {})).toBe(denied);
      expect(await ask('$KV.tokens.x', 'y')).toBe(denied);
      expect(await ask('plinth.dispatch.default', '{}')).toBe(denied);
      expect(await ask('$JS.API.CONSUMER.INFO.PLINTH_EVENTS.web-dashboard')).toBe('answered');
    } finally {
      await connection.close();
    }
    // Answers to others are not for it either.
    const curious = await asWeb('_INBOX_web-dashboard');
    const listening = curious.subscribe('_INBOX.>');
    await expect(
      (async () => {
        for await (const _message of listening) return;
        throw new Error('ended');
      })(),
    ).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' });
    await curious.close();
  });
});

describe('programs of other teams', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let state: string;

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    state = join(plinth.data, 'position');
    await registry.push('base', '1', 'first');
    await plinth.client.createRegistry({ host: registry.host, scheme: 'http', poll: { intervalSeconds: 86_400 } });
    const files = `FROM ${registry.host}/base:1\nRUN echo said by the build\n`;
    await plinth.task('app', { files, image: `${registry.host}/app:1` });
    await plinth.watching('app');
    await plinth.client.createTask({ name: 'idle', agentPoolName: 'nobody', step });
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  it('call it over gRPC with nothing but the proto files', async () => {
    const caller = (...args: string[]) =>
      new Program('examples/grpc-caller/main.mjs', args, {
        PLINTH_GRPC: plinth.grpc,
        PLINTH_TOKEN: plinth.token,
        PLINTH_PROTO: 'libs/contracts/generated/proto',
      });
    const states = caller('states');
    expect(await states.ended).toBe(0);
    expect(states.lines.map((line) => line.split('\t').slice(0, 2))).toEqual(
      expect.arrayContaining([['app', 'UNBUILT']]),
    );
    const run = caller('run', 'app');
    expect(await run.ended, run.errors).toBe(0);
    expect(run.lines).toEqual(expect.arrayContaining([expect.stringContaining('said by the build')]));
    expect(run.lines.at(-1)).toMatch(/^m\w+ SUCCEEDED$/);
    const wrong = caller('run', 'nobody');
    expect(await wrong.ended).toBe(1);
    expect(wrong.errors).toContain('There is no task nobody');
    expect(await caller().ended).toBe(2);
  });

  it('follow its events over HTTP, and go on where they stopped, whoever was restarted', async () => {
    const follower = (token = plinth.token) =>
      new Program('examples/sse/main.mjs', [], {
        PLINTH_URL: plinth.url,
        PLINTH_TOKEN: token,
        TYPES: 'run.canceled',
        STATE: state,
      });
    const happen = async (): Promise<string> => {
      const { runId } = await plinth.client.runTask({ name: 'idle' });
      await plinth.client.cancelRun({ run: runId });
      return runId;
    };
    const runs = (lines: readonly string[]): unknown[] => json(lines).map(({ subject }) => subject);
    const first = follower();
    // Without a position it begins with what happens next: until it listens, that is not this.
    const early: string[] = [];
    while (first.lines.length === 0) early.push(await happen());
    await first.until((lines) => runs(lines).includes(early.at(-1)));
    await plinth.stop();
    await plinth.start();
    const second = await happen();
    await first.until((lines) => runs(lines).includes(second));
    await first.stop('SIGKILL');
    const third = await happen();
    const again = follower();
    await again.until((lines) => runs(lines).includes(third));
    await again.stop();
    const seen = runs([...first.lines, ...again.lines]);
    const since = early.indexOf(seen[0] as string);
    expect([...new Set(seen)]).toEqual([...early.slice(since), second, third]);
    await rm(state);
    const stranger = follower('plinth_none');
    expect(await stranger.ended).toBe(1);
    expect(stranger.errors).toContain('401: The token is not known');
  });

  it('find every event as the served AsyncAPI document describes it', async () => {
    const document = (await (await fetch(`${plinth.url}/asyncapi.json`)).json()) as Json;
    expect(document).toEqual(
      JSON.parse(await readFile(join(repositoryRoot, 'libs/contracts/generated/asyncapi.json'), 'utf8')),
    );
    const ajv = new Ajv({ strict: false });
    (formats as unknown as (ajv: Ajv) => void)(ajv);
    ajv.addSchema(document, 'asyncapi');
    const types = new Set<string>();
    for (const { type, data } of plinth.feed.events) {
      const validate =
        ajv.getSchema(`asyncapi#/components/messages/${type}/payload`) ??
        ajv.compile({ $ref: `asyncapi#/components/messages/${type}/payload` });
      expect([validate(data), validate.errors ?? []], type).toEqual([true, []]);
      types.add(type);
    }
    expect(types.size).toBeGreaterThan(8);
  });
});
