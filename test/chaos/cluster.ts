import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { freePort, startNats, tempDir, type NatsServer, type TempDir } from '#libs/testing';
import { ManagedDockerd } from '../../apps/builder/src/engines/index.js';
import { platform, pushBase, tarOf } from './base-image.js';
import { Feed } from './feed.js';
import { ImageReader } from './judge/images.js';
import type { ServiceName } from './plan.js';
import { JournalingRegistry } from './registry.js';
import { ServiceProcess } from './service-process.js';
import { bases, tasks, type DeclaredTask } from './world.js';

/** Seconds until a run of a silent builder is handed to another one. Short, as every death of a builder waits for it. */
const ackWaitSeconds = 2;
/** Seconds between two looks at a tag: the net under notifications that a dead watcher did not take. */
const pollSeconds = 2;

const imageTypes =
  'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, ' +
  'application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json';

const taskNamed = (name: string): DeclaredTask => {
  const found = tasks.find((task) => task.name === name);
  if (!found) throw new Error(`There is no task ${name} in this world.`);
  return found;
};

const secret = `Bearer ${randomBytes(16).toString('hex')}`;

/** The four services as processes of their own, with a real log, registry and engine. */
export class Cluster {
  /** Tokens that each base carried, in order. */
  readonly tokens: Record<string, string[]> = Object.fromEntries(bases.map(({ name }) => [name, []]));
  readonly reader: ImageReader;

  private constructor(
    private readonly dir: TempDir,
    private readonly nats: NatsServer,
    private readonly dockerd: ManagedDockerd,
    readonly registry: JournalingRegistry,
    readonly services: Readonly<Record<ServiceName, ServiceProcess>>,
    readonly token: string,
    readonly feed: Feed,
    private readonly newBuilder: (name: string, env: NodeJS.ProcessEnv) => Promise<ServiceProcess>,
  ) {
    this.reader = new ImageReader(registry.host);
  }

  static async start(): Promise<Cluster> {
    const dir = await tempDir('chaos');
    const keyFile = join(dir.path, 'keys');
    await writeFile(keyFile, `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    const token = randomBytes(24).toString('base64url');
    const dockerd = new ManagedDockerd({ dir: join(dir.path, 'docker') });
    const [nats, dockerHost, watcherPort] = await Promise.all([startNats(), dockerd.host(), freePort()]);
    const registry = await JournalingRegistry.start({
      dir: dir.path,
      hook: (host) => ({
        url: `http://127.0.0.1:${watcherPort}/v1/hooks/distribution/${host}`,
        authorization: secret,
      }),
    });
    const processOf = async (name: string, app: string, env: NodeJS.ProcessEnv, port?: number) =>
      new ServiceProcess({
        name,
        app,
        dir: dir.path,
        port: port ?? (await freePort()),
        env: {
          PLINTH_NATS_URL: nats.url,
          PLINTH_KEY_FILE: keyFile,
          PLINTH_TOKEN: token,
          PLINTH_ENGINE: 'docker',
          PLINTH_DOCKER_HOST: dockerHost,
          PLINTH_ACK_WAIT: String(ackWaitSeconds),
          PLINTH_BUILDER_ID: name,
          ...env,
        },
      });
    const started = {
      watcher: await processOf('watcher', 'watcher', {}, watcherPort),
      graph: await processOf('graph', 'graph', {}),
      scheduler: await processOf('scheduler', 'scheduler', {}),
      builder: await processOf('builder', 'builder', {}),
    };
    await Promise.all(Object.values(started).map((service) => service.start()));
    // Not at the builder: it is suspended in some tests, and a stream that is suspended does not end.
    const feed = new Feed([started.watcher.url, started.graph.url, started.scheduler.url], token);
    feed.start();
    return new Cluster(dir, nats, dockerd, registry, started, token, feed, (name, env) =>
      processOf(name, 'builder', env),
    );
  }

  async stop(): Promise<void> {
    await this.feed.stop();
    await Promise.all(Object.values(this.services).map((service) => service.stop()));
    await this.registry.stop();
    await this.nats.stop();
    await this.dockerd.close();
    await this.dir.remove();
  }

  /** One more builder of the same pool. The caller stops it. */
  async anotherBuilder(name: string, env: NodeJS.ProcessEnv): Promise<ServiceProcess> {
    const builder = await this.newBuilder(name, env);
    await builder.start();
    return builder;
  }

  /** Calls an operation; rejects with what was answered when it is refused. */
  async call<T>(service: ServiceName, method: string, path: string, body?: object | Buffer): Promise<T> {
    const isBytes = Buffer.isBuffer(body);
    const type = isBytes ? 'application/gzip' : 'application/json';
    const response = await fetch(`${this.services[service].url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body ? { 'content-type': type } : {}) },
      ...(body ? { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} at ${service} answered ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Pushes a new generation of a base. */
  async move(name: string): Promise<string> {
    const { repository, tag } = bases.find((base) => base.name === name)!;
    const tokens = this.tokens[name]!;
    const token = `${name} generation ${tokens.length}`;
    tokens.push(token);
    return pushBase(this.registry.host, repository, tag, token);
  }

  /** Makes the registry known, declares the tasks and builds each once, from the bottom up. */
  async populate(): Promise<void> {
    const { host } = this.registry;
    for (const { name } of bases) await this.move(name);
    await this.call('scheduler', 'PUT', '/v1/secrets/hook', { value: secret });
    await this.call('watcher', 'POST', '/v1/registries', {
      host,
      scheme: 'http',
      kind: 'Distribution',
      notifications: { dialect: 'distribution', secret: 'hook' },
      poll: { intervalSeconds: pollSeconds },
    });
    for (const task of tasks) await this.#populate(task);
    await this.settled('the images that were built by hand');
  }

  async #populate({ name, repository, tags, dockerfile, tracks }: DeclaredTask): Promise<void> {
    const { host } = this.registry;
    const files = { Dockerfile: dockerfile.replaceAll('{host}', host), 'app.txt': `${name}\n` };
    const { contextPath } = await this.call<{ contextPath: string }>(
      'scheduler',
      'POST',
      '/v1/contexts',
      gzipSync(await tarOf(files)),
    );
    await this.call('scheduler', 'POST', '/v1/tasks', {
      name,
      platforms: [platform],
      // A build from the cache would repeat its digest, and so hide that something was built again.
      step: {
        type: 'Docker',
        contextPath,
        imageNames: tags.map((tag) => `${host}/${repository}:${tag}`),
        noCache: true,
      },
      trigger: { baseImageTrigger: { baseImageTriggerType: tracks, status: 'Enabled' } },
    });
    const { facts } = this.feed;
    await this.feed.until(`task ${name} is scanned`, () =>
      facts.some(({ type, subject }) => type === 'task.scanned' && subject === name),
    );
    const { runId } = await this.call<{ runId: string }>('scheduler', 'POST', `/v1/tasks/${name}/runs`, {});
    await this.feed.until(`run ${runId} of ${name} succeeded`, () =>
      facts.some(({ type, subject }) => type === 'run.succeeded' && subject === runId),
    );
  }

  /** Resolves when every image stands on what its bases carry now, and nothing is under way. */
  async settled(what: string, timeoutMs = 180_000): Promise<void> {
    await this.feed.until(
      `${what}: every image current, no run and no wave open`,
      async () => this.#open().length === 0 && (await this.behind()).length === 0,
      timeoutMs,
    );
  }

  /** Runs and waves that are not over, by their events. */
  #open(): string[] {
    const open = new Set<string>();
    for (const { type, subject } of this.feed.facts) {
      if (type === 'run.queued' || type === 'wave.opened') open.add(subject);
      if (/^run\.(succeeded|failed|canceled|timed-out)$|^wave\.closed$/.test(type)) open.delete(subject);
    }
    return [...open];
  }

  /** Digest that each tag of a task is at. */
  async headsOf(task: string): Promise<Record<string, string | undefined>> {
    const { repository, tags } = taskNamed(task);
    const heads = tags.map(async (tag) => [tag, await this.reader.head(repository, tag)] as const);
    return Object.fromEntries(await Promise.all(heads));
  }

  /** Digest that an earlier run of a task had published than the one that is published now. */
  async earlierImageOf(task: string): Promise<string> {
    const now = Object.values(await this.headsOf(task));
    const before = this.feed.facts
      .filter(({ type, data }) => type === 'run.succeeded' && data['task'] === task)
      .flatMap(({ data }) => data['outputs'] as { digest: string }[])
      .findLast(({ digest }) => !now.includes(digest));
    if (!before) throw new Error(`${task} has been published once only.`);
    return before.digest;
  }

  /** Moves the last tag of a task as a request would that was sent long ago. */
  async putBack(task: string, digest: string): Promise<void> {
    const { repository, tags } = taskNamed(task);
    const url = `http://${this.registry.host}/v2/${repository}/manifests`;
    const manifest = await fetch(`${url}/${digest}`, { headers: { accept: imageTypes } });
    const type = manifest.headers.get('content-type') ?? '';
    const body = await manifest.arrayBuffer();
    const put = await fetch(`${url}/${tags.at(-1)}`, { method: 'PUT', headers: { 'content-type': type }, body });
    if (put.status !== 201)
      throw new Error(`PUT of ${task}:${tags.at(-1)} answered ${put.status}: ${await put.text()}`);
  }

  /**
   * Resolves when somebody has looked for drift at a task from the beginning of a pass to its end, after this call. The
   * last tag is one that no watcher looks at: the first look at it from now on may be of a pass under way, the second
   * one begins a pass, and the third says that this pass is over.
   */
  async reconciled(task: string): Promise<void> {
    const { repository, tags } = taskNamed(task);
    const request = `"HEAD /v2/${repository}/manifests/${tags.at(-1)} HTTP/1.1" 200`;
    const looks = async (): Promise<number> => {
      const lines = (await readFile(this.registry.accessLog, 'utf8')).split('\n');
      return lines.filter((line) => line.includes(request) && line.includes('"plinth')).length;
    };
    const before = await looks();
    while ((await looks()) < before + 3) await delay(50);
  }

  /** Images of which a tag does not stand on what its bases carry now, as the registry serves them. */
  async behind(): Promise<string[]> {
    const behind: string[] = [];
    for (const { name, repository, tags, proofs } of tasks) {
      for (const tag of tags) {
        const digest = await this.reader.head(repository, tag);
        const files = digest ? await this.reader.files(repository, digest, Object.keys(proofs)) : {};
        const old = Object.entries(proofs).some(([path, base]) => files[path] !== this.tokens[base]?.at(-1));
        if (old) behind.push(`${name}:${tag}`);
      }
    }
    return behind;
  }

  /** All that helps to see why something did not come about. */
  async situation(): Promise<string> {
    const states = await this.call('graph', 'GET', '/v1/graph/states').catch((error: unknown) => String(error));
    const last = this.feed.facts.slice(-40).map(({ position, type, subject, data }) => {
      const brief = JSON.stringify(data);
      return `${position} ${type} ${subject} ${brief.length > 300 ? `${brief.slice(0, 300)}…` : brief}`;
    });
    const words = await Promise.all(Object.values(this.services).map((service) => service.lastWords()));
    return [
      `Behind: ${(await this.behind()).join(', ') || 'none'}. Open: ${this.#open().join(', ') || 'none'}.`,
      `States: ${JSON.stringify(states)}`,
      ...last,
      ...words,
    ].join('\n');
  }
}
