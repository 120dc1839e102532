import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { createClient, type Client } from '#libs/client';
import type { EventData } from '#libs/contracts';
import { freePort, repositoryRoot, tempDir } from '#libs/testing';
import { tarOf } from '../demo/base-image.js';
import { Feed, type DemoEvent } from '../demo/feed.js';
import { rowsOf } from './rows.js';
import { ValidatingFetch, type Document } from './validating-fetch.js';

export type JourneyEvent<T extends DemoEvent['type'] = DemoEvent['type']> = Extract<DemoEvent, { type: T }>;

export interface PlinthOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** Longest wait for any one fact. Only what never happens takes so long. */
const patienceMs = 60_000;

const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

/** The standalone application, compiled, as a process of its own; with a client whose answers are validated. */
export class Plinth {
  client!: Client;
  feed!: Feed;
  http!: ValidatingFetch;
  #child: ChildProcess | undefined;

  private constructor(
    readonly url: string,
    readonly grpc: string,
    readonly token: string,
    /** Everything that it keeps. */
    readonly data: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static async start({ env = {} }: PlinthOptions = {}): Promise<Plinth> {
    const [http, grpc] = [await freePort(), await freePort()];
    const token = `canary-token-${randomBytes(16).toString('hex')}`;
    const { path } = await tempDir('journey');
    const plinth = new Plinth(`http://127.0.0.1:${http}`, `127.0.0.1:${grpc}`, token, path, {
      PLINTH_DATA: join(path, 'data'),
      PLINTH_HTTP_PORT: String(http),
      PLINTH_GRPC_PORT: String(grpc),
      PLINTH_TOKEN: token,
      PLINTH_VALIDATE_RESPONSES: 'true',
      PLINTH_ENGINE: 'docker',
      ...env,
    });
    await plinth.start();
    return plinth;
  }

  get logFile(): string {
    return join(this.data, 'plinth.log');
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  async start(): Promise<void> {
    const main = join(repositoryRoot, 'dist/apps/standalone/src/main.js');
    if (!existsSync(main)) throw new Error(`${main} is not there: run "npm run build" first.`);
    const log = openSync(this.logFile, 'a', 0o600);
    const path = [join(repositoryRoot, '.plinth/tools/bin'), dirname(process.execPath), process.env['PATH'] ?? ''];
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      stdio: ['ignore', log, log],
      cwd: repositoryRoot,
      env: { ...process.env, ...this.env, PATH: path.join(delimiter) },
    });
    closeSync(log);
    this.#child = child;
    started.add(child);
    child.once('exit', () => started.delete(child));
    while (!(await this.isReady())) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Plinth ended:\n${this.log()}`);
      await delay(25); // nothing tells when a server that does not listen yet will
    }
    const document = (await (await fetch(`${this.url}/openapi.json`)).json()) as Document;
    this.http = new ValidatingFetch(document);
    this.client = this.as(this.token);
    this.feed = new Feed(this.client);
  }

  /** Starts a second one on the same folder. @throws Error with its last words when it ends */
  async again(): Promise<void> {
    const other = new Plinth('http://127.0.0.1:9', '', this.token, this.data, {
      ...this.env,
      PLINTH_HTTP_PORT: '0',
      PLINTH_GRPC_PORT: '0',
    });
    await other.start();
  }

  /** Removes the databases of the services; what they hold follows from the log. */
  async forgetProjections(): Promise<void> {
    for (const service of ['watcher', 'graph', 'scheduler', 'builder']) {
      const folder = join(this.data, 'data', service);
      for (const name of await readdir(folder)) {
        if (/\.sqlite(-\w+)?$/.test(name)) await rm(join(folder, name));
      }
    }
  }

  /** What each service has in its database, by service; to be read while nothing runs. */
  async projectedRows(): Promise<Record<string, string>> {
    const rows: Record<string, string> = {};
    for (const service of ['watcher', 'graph', 'scheduler', 'builder']) {
      const folder = join(this.data, 'data', service);
      for (const name of await readdir(folder)) {
        if (!name.endsWith('.sqlite')) continue;
        const db = new Database(join(folder, name), { readonly: true });
        rows[service] = rowsOf(db);
        db.close();
      }
    }
    return rows;
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/health/ready`)).ok;
    } catch {
      return false;
    }
  }

  /** A client with another token; its answers are validated too. */
  as(token: string | undefined): Client {
    return createClient({ baseUrl: this.url, fetch: this.http.fetch, ...(token === undefined ? {} : { token }) });
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Ends it in good order. @throws Error when it ends in another way than with exit code 0 */
  async stop(): Promise<void> {
    const how = await this.#end('SIGTERM');
    if (how !== 0 && how !== null) throw new Error(`Plinth ended with ${how}:\n${this.log()}`);
  }

  /** Ends it, and removes all that it kept. */
  async close(): Promise<void> {
    await this.stop();
    await rm(this.data, { recursive: true, force: true, maxRetries: 5 });
  }

  /** SIGKILL: what it started goes on, and nothing is said to anybody. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.feed?.stop();
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    child.kill(signal);
    const [code, by] = await ended;
    return code ?? by;
  }

  /** Process id of its nats-server. */
  natsPid(): number {
    return Number(readFileSync(join(this.data, 'data/nats/nats-server.pid'), 'utf8'));
  }

  /** Sends anything; for what a client of ours would never send. */
  async raw(method: string, path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${this.token}`);
    const response = await this.http.fetch(`${this.url}${path}`, { ...init, method, headers });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  }

  json(method: string, path: string, body: unknown): Promise<{ status: number; body: unknown }> {
    const headers = { 'content-type': 'application/json' };
    return this.raw(method, path, { headers, body: JSON.stringify(body) });
  }

  /** Uploads a context of these files; answers its contextPath. */
  async upload(files: Readonly<Record<string, string>>): Promise<string> {
    const tar = await tarOf(Object.entries(files).map(([name, content]) => ({ name, content })));
    const { contextPath } = await this.client.uploadContext({}, gzipSync(tar), { contentType: 'application/gzip' });
    return contextPath;
  }

  /** Creates a task of one Dockerfile; automatic unless said. */
  async task(
    name: string,
    {
      files,
      image,
      ...more
    }: { files: Record<string, string> | string; image: string } & Partial<
      Omit<Parameters<Client['createTask']>[0], 'name' | 'step'>
    > & { step?: object },
  ): Promise<void> {
    const contextPath = await this.upload(typeof files === 'string' ? { Dockerfile: files } : files);
    const step = { type: 'Docker' as const, contextPath, imageNames: [image], ...more.step };
    await this.client.createTask({ ...more, name, step });
  }

  /** The next event of a type that suits, from an index of the feed on. */
  until<T extends DemoEvent['type']>(
    type: T,
    suits: (data: EventData<T>) => boolean,
    after = 0,
  ): Promise<JourneyEvent<T>> {
    return this.feed.until(
      (event) => (event.type === type && suits(event.data as EventData<T>) ? (event as JourneyEvent<T>) : undefined),
      { after, timeoutMs: patienceMs, what: `${type} as expected` },
    );
  }

  /** Events of a type that have been seen, from an index of the feed on. */
  seen<T extends DemoEvent['type']>(type: T, after = 0): JourneyEvent<T>[] {
    return this.feed.events.slice(after).filter((event): event is JourneyEvent<T> => event.type === type);
  }

  /** Waits until the inputs of a task are known, and each tracked one was looked at. */
  async watching(name: string): Promise<void> {
    const { data } = await this.until('task.scanned', ({ task }) => task === name);
    const { inputs } = await this.client.getTask({ name });
    for (const { reference, tracked } of inputs) {
      if (tracked && !reference.includes('@')) await this.until('tag.watched', (tag) => tag.reference === reference);
    }
    if (data.status !== 'Known') throw new Error(`The inputs of ${name} are unknown: ${data.reason}`);
  }

  /** Waits until a run has ended, however. */
  async ended(run: string): Promise<DemoEvent> {
    return this.feed.until(
      (event) => {
        switch (event.type) {
          case 'run.succeeded':
          case 'run.failed':
          case 'run.canceled':
          case 'run.timed-out':
            return event.data.run === run ? event : undefined;
          case 'run.errored':
            return event.data.run === run && event.data.retryAt === null ? event : undefined;
          default:
            return undefined;
        }
      },
      { timeoutMs: patienceMs, what: `The end of run ${run}` },
    );
  }

  /** Runs a task by hand, and waits until it has succeeded. */
  async build(name: string): Promise<string> {
    const { runId } = await this.client.runTask({ name });
    const end = await this.ended(runId);
    if (end.type !== 'run.succeeded') throw new Error(`${name}: ${JSON.stringify(end.data)}`);
    return runId;
  }

  /** Waits until a task is in a state, as the graph shows it. */
  async state(name: string, wanted: string): Promise<void> {
    for (;;) {
      const seen = this.feed.events.length;
      const { states } = await this.client.listStates(
        { task: name },
        { position: this.feed.events.at(-1)?.position ?? 0 },
      );
      if (states[0]?.state === wanted) return;
      await this.feed.until((event) => event, {
        after: seen,
        timeoutMs: patienceMs,
        what: `That ${name} (${states[0]?.state}: ${states[0]?.reasons.map(({ text }) => text).join(' ')}) becomes ${wanted}`,
      });
    }
  }
}
