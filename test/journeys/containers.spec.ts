import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type Client } from '#libs/client';
import type { Lineage } from '#libs/lineage';
import { freePort } from '#libs/testing';
import { tarOf } from '../demo/base-image.js';
import { Feed } from '../demo/feed.js';
import { Deployment } from '../support/containers.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const token = 'token-of-the-containers-journey';
const secret = 'Bearer journey-webhook';
const services = ['watcher', 'graph', 'scheduler', 'builder'] as const;
const patienceMs = 60_000;

describe('Plinth in containers, as the compose file starts it', () => {
  let deployment: Deployment;
  let registry: JourneyRegistry;
  let client: Client;
  let feed: Feed;
  let base: string;
  let app: string;

  const container = (service: string): string => `plinth-journey-${service}-1`;
  const plinth = (...words: string[]) =>
    deployment.docker('exec', container('graph'), 'node', '/app/deploy/service.mjs', 'plinth', ...words);
  const lineage = async (): Promise<Lineage> => {
    const { out } = await plinth('why', app, '--no-server', '--plain-http', '-o', 'json');
    return JSON.parse(out) as Lineage;
  };

  beforeAll(async () => {
    const host = `127.0.0.1:${await freePort()}`;
    [base, app] = [`${host}/base:1`, `${host}/app:1`];
    deployment = await Deployment.start({ registry: host, token });
    registry = await startRegistry({
      host,
      notify: { url: `${deployment.url}/v1/hooks/distribution/${host}`, authorization: secret },
    });
    await registry.push('base', '1', 'first');
    await deployment.up();
    client = createClient({ baseUrl: deployment.url, token });
    feed = new Feed(client);
  });
  afterAll(async () => {
    feed?.stop();
    await deployment?.close();
    await registry?.close();
  });

  it('runs without root, on a root file system that cannot be changed, without capabilities', async () => {
    for (const service of services) {
      const format = '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.State.Health.Status}}';
      const { out } = await deployment.docker('inspect', '--format', format, container(service));
      expect(out.trim()).toBe('10001:10001 true [ALL] healthy');
      const write = await deployment.docker('exec', container(service), 'touch', '/app/changed');
      expect(write).toMatchObject({ code: 1, out: expect.stringContaining('Read-only file system') });
    }
  });

  it('answers at one address: each path comes to the service that serves it', async () => {
    const { tasks } = await client.listTasks({});
    const { images } = await client.listImages();
    const { waves } = await client.listWaves({});
    expect({ tasks, images, waves }).toEqual({ tasks: [], images: [], waves: [] });
    const none = await fetch(`${deployment.url}/v1/nothing`);
    expect(await none.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect((await fetch(`${deployment.url}/metrics`)).status).toBe(404);
  });

  it('builds an image, by the engine outside', async () => {
    await client.setSecret({ name: 'hook', value: secret });
    await client.createRegistry({
      host: registry.host,
      scheme: 'http',
      kind: 'Distribution',
      notifications: { dialect: 'distribution', secret: 'hook' },
      poll: { intervalSeconds: 86_400 },
    });
    const tar = gzipSync(await tarOf([{ name: 'Dockerfile', content: `FROM ${base}\nRUN echo built > /built\n` }]));
    const { contextPath } = await client.uploadContext({}, tar, { contentType: 'application/gzip' });
    await client.createTask({ name: 'app', step: { type: 'Docker', contextPath, imageNames: [app] } });
    await feed.until((event) => (event.type === 'tag.watched' ? event : undefined), {
      timeoutMs: patienceMs,
      what: 'The watch of the base',
    });
    const { runId } = await client.runTask({ name: 'app' });
    const end = await feed.until(
      (event) => (event.type === 'run.succeeded' || event.type === 'run.failed' ? event : undefined),
      { timeoutMs: patienceMs, what: `The end of run ${runId}` },
    );
    expect(end).toMatchObject({ type: 'run.succeeded', data: { run: runId } });
    expect(await lineage()).toMatchObject({
      image: app,
      status: 'Current',
      platforms: [{ chain: [{ reference: base }] }],
    });
  });

  it('rebuilds it when a webhook tells that the base moved', async () => {
    const before = await lineage();
    const after = feed.events.length;
    const digest = await registry.push('base', '1', 'second');
    const closed = await feed.until((event) => (event.type === 'wave.closed' ? event : undefined), {
      after,
      timeoutMs: patienceMs,
      what: 'The end of the wave',
    });
    expect(closed.data).toMatchObject({ built: 1, unfinished: [] });
    const now = await lineage();
    expect(now.digest).not.toBe(before.digest);
    expect(now).toMatchObject({ status: 'Current', platforms: [{ chain: [{ state: 'Current', digest }] }] });
  });

  it('says in its log neither token nor password nor key', async () => {
    const { out } = await deployment.compose('logs', ...services);
    expect(out).toContain('is listening');
    expect(out).not.toContain(token);
    expect(out).not.toContain('31415926');
    expect(out).not.toContain(Buffer.alloc(32, 7).toString('base64'));
  });

  it('refuses a service that there is none of, and says which there are', async () => {
    const { code, out } = await deployment.docker('run', '--rm', '--network=host', 'plinth:journey', 'sheduler');
    expect(code).toBe(2);
    expect(out).toContain('"sheduler" is no service. Expected as first argument: watcher, graph, scheduler, builder');
  });

  it('ends by itself when it is told to stop, within the time that it has', async () => {
    feed.stop();
    const { code } = await deployment.compose('stop');
    expect(code).toBe(0);
    for (const service of services) {
      const { out } = await deployment.docker('inspect', '--format', '{{.State.ExitCode}}', container(service));
      // 137 would be the end of one that was killed.
      expect([service, out.trim()]).toEqual([service, '0']);
    }
  });
});
