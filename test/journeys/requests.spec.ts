import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcClient, type Client } from '#libs/client';
import { tarOf } from '../demo/base-image.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const secret = 'Bearer journey-webhook';
const step = { type: 'Docker', contextPath: 'https://git.test/app.git', imageNames: ['registry.test/app:1'] };

describe('what people send', () => {
  let plinth: Plinth;
  let registry: JourneyRegistry;
  let base: string;

  beforeAll(async () => {
    [plinth, registry] = await Promise.all([Plinth.start(), startRegistry()]);
    base = `${registry.host}/base:1`;
    await registry.push('base', '1', 'first');
    await plinth.client.setSecret({ name: 'hook', value: secret });
    await plinth.client.createRegistry({
      host: registry.host,
      scheme: 'http',
      poll: { intervalSeconds: 86_400 },
      notifications: { dialect: 'distribution', secret: 'hook' },
    });
    await plinth.task('app', { files: `FROM ${base}\nCOPY Dockerfile /x\n`, image: `${registry.host}/app:1` });
    await plinth.watching('app');
    await plinth.until('tag.adopted', ({ reference }) => reference === base);
  });
  afterAll(async () => {
    await plinth?.close();
    await registry?.close();
  });

  const bad: [string, string, string, unknown, string][] = [
    ['an unknown field', 'POST', '/v1/tasks', { name: 'x', step, colour: 'blue' }, 'colour'],
    ['an unknown field inside', 'POST', '/v1/tasks', { name: 'x', step: { ...step, speed: 9 } }, 'step.speed'],
    ['a field of another type', 'POST', '/v1/tasks', { name: 'x', step, timeout: 'long' }, 'timeout'],
    ['a number that is too small', 'POST', '/v1/tasks', { name: 'x', step, timeout: 5 }, 'timeout'],
    ['a name with a slash', 'POST', '/v1/tasks', { name: 'a/b', step }, 'name'],
    ['no step', 'POST', '/v1/tasks', { name: 'x' }, 'step'],
    [
      'a context that is no address',
      'POST',
      '/v1/tasks',
      { name: 'x', step: { ...step, contextPath: 'ftp://x' } },
      'step.contextPath',
    ],
    [
      'an image name that is none',
      'POST',
      '/v1/tasks',
      { name: 'x', step: { ...step, imageNames: ['UPPER CASE'] } },
      'step.imageNames[0]',
    ],
    [
      'a variable that there is not',
      'POST',
      '/v1/tasks',
      { name: 'x', step: { ...step, imageNames: ['r.test/a:{{.Run.Colour}}'] } },
      'step.imageNames[0]',
    ],
    [
      'a secret value in the open',
      'POST',
      '/v1/tasks',
      { name: 'x', step: { ...step, arguments: [{ name: 'KEY', value: 'v', isSecret: true }] } },
      'step.arguments[0].value',
    ],
    ['null for what cannot be removed', 'PATCH', '/v1/tasks/app', { timeout: null }, 'timeout'],
    ['a registry host with a path', 'POST', '/v1/registries', { host: 'ghcr.io/me' }, 'host'],
    ['a reference that is none', 'POST', '/v1/images/look', { reference: 'a b' }, 'reference'],
    ['a page size that is no number', 'GET', '/v1/tasks?pageSize=many', undefined, 'pageSize'],
    ['a page token that nobody gave', 'GET', '/v1/tasks?pageToken=%21%21', undefined, 'pageToken'],
    ['an event that there is not', 'GET', '/v1/events?types=tag.flown', undefined, 'types'],
  ];
  it.each(bad)('%s is refused, and the field is named', async (_what, method, path, body, field) => {
    const answer = body === undefined ? await plinth.raw(method, path) : await plinth.json(method, path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT', status: 400 } });
    expect((answer.body as { errors?: { field: string }[] }).errors?.map((one) => one.field)).toContain(field);
  });

  it('says what is not there, and what is there already', async () => {
    for (const path of [
      '/v1/tasks/nobody',
      '/v1/runs/none',
      '/v1/waves/none',
      '/v1/registries/none.test',
      '/v1/graph/explain?task=nobody',
    ]) {
      expect(await plinth.raw('GET', path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
    expect(await plinth.raw('GET', '/v1/nothing')).toMatchObject({ status: 404 });
    const again = await plinth.json('POST', '/v1/tasks', { name: 'app', step });
    expect(again).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } });
    const known = await plinth.json('POST', '/v1/registries', { host: registry.host });
    expect(known).toMatchObject({ status: 409, body: { code: 'ALREADY_EXISTS' } });
  });

  it('changes a task only at the version that was named', async () => {
    const { etag } = await plinth.client.getTask({ name: 'app' });
    const changed = await plinth.client.updateTask({ name: 'app', timeout: 600 }, { ifMatch: etag });
    expect(changed).toMatchObject({ timeout: 600, inputsStatus: 'Known' });
    expect(changed.etag).not.toBe(etag);
    await expect(plinth.client.updateTask({ name: 'app', timeout: 700 }, { ifMatch: etag })).rejects.toMatchObject({
      code: 'ETAG_MISMATCH',
    });
    await expect(plinth.client.deleteTask({ name: 'app' }, { ifMatch: etag })).rejects.toMatchObject({
      code: 'ETAG_MISMATCH',
    });
    expect(await plinth.client.getTask({ name: 'app' })).toMatchObject({ timeout: 600 });
  });

  it('answers the same request once, and refuses another one with its key', async () => {
    const options = { idempotencyKey: 'the-same-key' };
    const first = await plinth.client.runTask({ name: 'app' }, options);
    const second = await plinth.client.runTask({ name: 'app' }, options);
    expect(second.runId).toBe(first.runId);
    await expect(
      plinth.client.runTask({ name: 'app', overrideTaskStepProperties: { target: 'other' } }, options),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    await plinth.ended(first.runId);
    const { runs } = await plinth.client.listRuns({ task: 'app' });
    expect(runs).toHaveLength(1);
  });

  it('lets each token do what its scope says, and none once it is revoked', async () => {
    const tokenOf = async (scope: 'read' | 'run' | 'write') =>
      plinth.as((await plinth.client.createToken({ name: `a-${scope}`, scope, team: 'other' })).token);
    const [read, run, write] = [await tokenOf('read'), await tokenOf('run'), await tokenOf('write')];
    await expect(plinth.as(undefined).listTasks()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(plinth.as('plinth_not-a-token').listTasks()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const denied = { code: 'PERMISSION_DENIED' };
    await expect(read.runTask({ name: 'app' })).rejects.toMatchObject(denied);
    await expect(run.updateTask({ name: 'app', timeout: 900 })).rejects.toMatchObject(denied);
    await expect(run.setSecret({ name: 's', value: 'v' })).rejects.toMatchObject(denied);
    await expect(write.createToken({ name: 'more', scope: 'read' })).rejects.toMatchObject(denied);
    await expect(write.listTokens()).rejects.toMatchObject(denied);
    await expect(write.createRegistry({ host: 'registry.test' })).rejects.toMatchObject(denied);
    expect((await read.listTasks()).tasks).toHaveLength(1);
    // `app` belongs to another team.
    await expect(write.updateTask({ name: 'app', timeout: 900 })).rejects.toMatchObject(denied);
    await expect(write.deleteTask({ name: 'app' })).rejects.toMatchObject(denied);
    await expect(run.runTask({ name: 'app' })).rejects.toMatchObject(denied);
    await expect(
      write.createTask({ name: 'ours', team: 'default', step: { ...step, type: 'Docker' } }),
    ).rejects.toMatchObject(denied);
    await write.createTask({ name: 'theirs', step: { ...step, type: 'Docker' } });
    expect((await read.listTasks({ team: 'other' })).tasks.map(({ name }) => name)).toEqual(['theirs']);
    await write.deleteTask({ name: 'theirs' });
    await plinth.client.revokeToken({ name: 'a-read' });
    await expect(read.listTasks()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((await plinth.client.listTokens()).tokens.map(({ name }) => name).sort()).toEqual([
      'a-run',
      'a-write',
      'first-admin',
    ]);
  });

  it('lets so many runs by hand of one task wait, and no more', async () => {
    await plinth.client.createTask({ name: 'nobody', agentPoolName: 'no-builders', step: { ...step, type: 'Docker' } });
    const queued: string[] = [];
    for (let n = 0; n < 20; n += 1) queued.push((await plinth.client.runTask({ name: 'nobody' })).runId);
    await expect(plinth.client.runTask({ name: 'nobody' })).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    for (const run of queued) await plinth.client.cancelRun({ run });
    await plinth.client.cancelRun({ run: (await plinth.client.runTask({ name: 'nobody' })).runId });
    await plinth.client.deleteTask({ name: 'nobody' });
  });

  it('lists page by page, each thing once', async () => {
    const names = ['p1', 'p2', 'p3', 'p4', 'p5'];
    for (const name of names) await plinth.client.createTask({ name, step: { ...step, type: 'Docker' } });
    const found = { tasks: [] as string[], states: [] as string[] };
    const lists = {
      tasks: async (page: object) => {
        const { tasks, nextPageToken } = await plinth.client.listTasks(page);
        return { names: tasks.map(({ name }) => name), nextPageToken };
      },
      states: async (page: object) => {
        const { states, counts, nextPageToken } = await plinth.client.listStates(page);
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(6);
        return { names: states.map(({ task }) => task), nextPageToken };
      },
    };
    for (const list of ['tasks', 'states'] as const) {
      let pageToken = '';
      do {
        const page = await lists[list]({ pageSize: 2, ...(pageToken ? { pageToken } : {}) });
        expect(page.names.length).toBeLessThanOrEqual(2);
        found[list].push(...page.names);
        pageToken = page.nextPageToken;
      } while (pageToken);
      expect(found[list]).toEqual(['app', ...names]);
    }
    for (const name of names) await plinth.client.deleteTask({ name });
  });

  const archives: [string, Parameters<typeof tarOf>[0], RegExp][] = [
    ['that climbs out', [{ name: '../evil', content: 'x' }], /\.\./],
    ['with a name from the root', [{ name: '/etc/passwd', content: 'x' }], /etc\/passwd/],
    [
      'with a link out of it',
      [
        { name: 'Dockerfile', content: 'FROM scratch' },
        { name: 'out', linkname: '../../etc' },
      ],
      /out/,
    ],
    [
      'that writes through a link',
      [
        { name: 'd', linkname: '/tmp' },
        { name: 'd/evil', content: 'x' },
      ],
      /\bd\b/,
    ],
  ];
  it.each(archives)('an archive %s is refused whole', async (_what, entries, words) => {
    const body = gzipSync(await tarOf(entries));
    await expect(plinth.client.uploadContext({}, body, { contentType: 'application/gzip' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(words),
    });
  });

  it('what is no archive is refused, and so is one that breaks off or has another type', async () => {
    const upload = (body: Uint8Array, contentType = 'application/gzip') =>
      plinth.client.uploadContext({}, body, { contentType });
    const whole = gzipSync(await tarOf([{ name: 'Dockerfile', content: 'FROM scratch\n'.repeat(10_000) }]));
    await expect(upload(Buffer.from('hello'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(upload(whole.subarray(0, whole.length / 2))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(upload(whole, 'text/html')).rejects.toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
    expect(await upload(whole)).toEqual(await upload(whole));
  });

  describe('to the webhook', () => {
    const hook = (body: string | Uint8Array, authorization = secret, host = registry.host, dialect = 'distribution') =>
      plinth.http.fetch(`${plinth.url}/v1/hooks/${dialect}/${host}`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/vnd.docker.distribution.events.v1+json' },
        body: body as string,
      });
    const push = { events: [{ action: 'push', target: { repository: 'base', tag: '1' } }] };

    // The path is not an operation of the description: it speaks the language of registries.
    const status = async (sending: Promise<Response>): Promise<number> =>
      sending.then(
        (response) => response.status,
        (error: Error) => Number(/answered (\d+)/.exec(error.message)?.[1]),
      );

    it('is taken with the secret alone', async () => {
      expect(await status(hook(JSON.stringify(push)))).toBe(202);
      expect(await status(hook(JSON.stringify(push), 'Bearer wrong'))).toBe(401);
      expect(await status(hook(JSON.stringify(push), ''))).toBe(401);
      expect(await status(hook(JSON.stringify(push), secret, 'unknown.test'))).toBe(401);
      expect(await status(hook(JSON.stringify(push), secret, registry.host, 'carrier-pigeon'))).toBe(404);
    });

    it('is refused when it is no notification, too large, or breaks off', async () => {
      expect(await status(hook('{"events":'))).toBe(400);
      expect(await status(hook('not json'))).toBe(400);
      expect(await status(hook('{"events":[{"action":1}]}'))).toBe(400);
      expect(await status(hook('{}'))).toBe(400);
      expect(await status(hook(new Uint8Array(2 * 1024 * 1024)))).toBe(413);
      // A sender that dies in the middle of its body harms nobody.
      const { hostname, port } = new URL(plinth.url);
      await new Promise<void>((resolve) => {
        const path = `/v1/hooks/distribution/${registry.host}`;
        const headers = { authorization: secret, 'content-length': '1000' };
        const sending = request({ hostname, port, path, method: 'POST', headers }, () => resolve());
        sending.on('error', () => resolve());
        sending.write('{"events":', () => sending.destroy());
      });
      expect(await status(hook(JSON.stringify(push)))).toBe(202);
    });

    it('moves nothing by itself: what the registry answers is the fact', async () => {
      const seen = plinth.feed.events.length;
      const lie = { ...push.events[0]!, target: { ...push.events[0]!.target, digest: `sha256:${'0'.repeat(64)}` } };
      expect(await status(hook(JSON.stringify({ events: [lie] })))).toBe(202);
      await plinth.client.lookAtImage({ reference: base });
      expect(plinth.seen('tag.moved', seen)).toEqual([]);
    });
  });

  describe('over gRPC', () => {
    let grpc: Client;
    beforeAll(() => {
      grpc = createGrpcClient({ address: plinth.grpc, token: plinth.token });
    });
    afterAll(() => grpc?.close());

    it('creates, runs, follows and explains as over HTTP', async () => {
      const tar = gzipSync(await tarOf([{ name: 'Dockerfile', content: `FROM ${base}\nCOPY Dockerfile /y\n` }]));
      const { contextPath } = await grpc.uploadContext({}, tar);
      const image = `${registry.host}/by-grpc:1`;
      const created = await grpc.createTask({
        name: 'by-grpc',
        step: { type: 'Docker', contextPath, imageNames: [image] },
      });
      expect(created).toEqual(
        await plinth.client.getTask({ name: 'by-grpc' }).then((now) => ({ ...now, ...pick(created) })),
      );
      await plinth.watching('by-grpc');
      const { runId } = await grpc.runTask({ name: 'by-grpc' });
      const lines: string[] = [];
      for await (const { text } of grpc.getRunLogs({ run: runId, follow: true })) lines.push(text);
      expect(lines.length).toBeGreaterThan(0);
      await plinth.ended(runId);
      const steps = await grpc.listRunSteps({ run: runId });
      expect(steps).toMatchObject({
        attempt: 1,
        steps: expect.arrayContaining([expect.objectContaining({ status: 'Succeeded' })]),
      });
      expect(steps).toEqual(await plinth.client.listRunSteps({ run: runId }));
      const position = plinth.feed.events.at(-1)!.position;
      const [byGrpc, byHttp] = [
        await grpc.getRun({ run: runId }, { position }),
        await plinth.client.getRun({ run: runId }, { position }),
      ];
      expect(byGrpc).toEqual(byHttp);
      expect(byGrpc.status).toBe('Succeeded');
      expect(await grpc.explain({ run: runId })).toEqual(await plinth.client.explain({ run: runId }));
      expect(await grpc.listTasks({})).toEqual(await plinth.client.listTasks({}));
      expect(await grpc.listImages({})).toEqual(await plinth.client.listImages({}));
      expect(await grpc.listDependants({ reference: base, transitive: true })).toEqual(
        await plinth.client.listDependants({ reference: base, transitive: true }),
      );
      expect(await grpc.getRegistry({ host: registry.host })).toEqual(
        await plinth.client.getRegistry({ host: registry.host }),
      );
      const events: number[] = [];
      for await (const { position: at } of grpc.watchEvents({ after: 0 })) {
        events.push(at);
        if (at >= position) break;
      }
      expect(events).toEqual(plinth.feed.events.map((event) => event.position).filter((at) => at <= position));
    });

    it('refuses alike', async () => {
      const stranger = createGrpcClient({ address: plinth.grpc, token: 'nobody' });
      await expect(stranger.listTasks({})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      stranger.close();
      await expect(grpc.getTask({ name: 'nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(
        grpc.createTask({ name: 'bad', step: { type: 'Docker', contextPath: 'ftp://x', imageNames: ['r.test/a:1'] } }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field: 'step.contextPath' }] });
    });
  });
});

/** What the scan changes a moment after the creation. */
const pick = <T extends { inputs: unknown; inputsStatus: unknown; inputsReason: unknown }>({
  inputs,
  inputsStatus,
  inputsReason,
}: T) => ({
  inputs,
  inputsStatus,
  inputsReason,
});
