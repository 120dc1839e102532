import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryRoot } from '#libs/testing';

export interface ServiceProcessOptions {
  /** Name in this test, such as `builder-2`. */
  readonly name: string;
  /** Folder of the app: `watcher`, `builder` … */
  readonly app: string;
  readonly dir: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  /** Longest that a start may take, in milliseconds: two minutes; on a small machine several start at the same time. */
  readonly readyMs?: number;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A service of Plinth as a process of its own, from what was compiled; it can be told where to die, and started again. */
export class ServiceProcess implements AsyncDisposable {
  readonly url: string;
  readonly #log: string;
  readonly #crashFile: string;
  readonly #pauseFile: string;
  #child: ChildProcess | undefined;
  #died: Promise<string> = Promise.resolve('never started');

  constructor(private readonly options: ServiceProcessOptions) {
    this.url = `http://127.0.0.1:${options.port}`;
    this.#log = join(options.dir, `${options.name}.log`);
    this.#crashFile = join(options.dir, `${options.name}.crash-at`);
    this.#pauseFile = join(options.dir, `${options.name}.pause-at`);
  }

  /** Process id while it runs. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Folder of its databases. */
  get dataDir(): string {
    return join(this.options.dir, this.name);
  }

  get name(): string {
    return this.options.name;
  }

  /** How the process that was started last ended: a signal, or `exit code N`. Stays open while it runs. */
  get died(): Promise<string> {
    return this.#died;
  }

  /** Starts it and waits until it is ready. Rejects when it ends before. */
  async start(): Promise<void> {
    const { name, app, dir, port, env } = this.options;
    const log = openSync(this.#log, 'a');
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', join(repositoryRoot, `dist/apps/${app}/src/main.js`)],
      {
        stdio: ['ignore', log, log],
        env: {
          ...process.env,
          ...env,
          // Half of a start is reading the program.
          NODE_COMPILE_CACHE: join(dir, 'compile-cache'),
          PLINTH_DATA: join(dir, name),
          PLINTH_HTTP_PORT: String(port),
          PLINTH_GRPC_PORT: '0',
          PLINTH_CRASH_AT: `@${this.#crashFile}`,
          PLINTH_PAUSE_AT: `@${this.#pauseFile}`,
        },
      },
    );
    closeSync(log);
    running.add(child);
    this.#child = child;
    this.#died = once(child, 'exit').then(([code, signal]: unknown[]) => {
      running.delete(child);
      return typeof signal === 'string' ? signal : `exit code ${String(code)}`;
    });
    await this.#ready();
  }

  async #ready(): Promise<void> {
    let end: string | undefined;
    void this.#died.then((how) => (end = how));
    const { readyMs = 120_000 } = this.options;
    const deadline = performance.now() + readyMs;
    while (!(await this.isReady())) {
      if (end !== undefined)
        throw new Error(`${this.name} ended with ${end} before it was ready.\n${await this.lastWords()}`);
      if (performance.now() > deadline) {
        throw new Error(`${this.name} was not ready within ${readyMs / 1000} s.\n${await this.lastWords()}`);
      }
      await delay(20);
    }
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** From now on it dies there. */
  crashAt(at: string): Promise<void> {
    return writeFile(this.#crashFile, at);
  }

  /** From now on it is suspended there, until `resume()`. */
  pauseAt(at: string): Promise<void> {
    return writeFile(this.#pauseFile, at);
  }

  async disarm(): Promise<void> {
    await rm(this.#crashFile, { force: true });
    await rm(this.#pauseFile, { force: true });
  }

  /** Resolves when the kernel says that it is stopped. */
  async suspended(): Promise<void> {
    for (;;) {
      const stat = await readFile(`/proc/${this.#child?.pid}/stat`, 'utf8');
      if (/\) T /.test(stat)) return;
      await delay(10);
    }
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** SIGKILL, and it is gone when this resolves. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#died;
  }

  /** SIGTERM, as an operator would; SIGKILL after 60 s. Answers how it ended. */
  async stop(): Promise<string> {
    const child = this.#child;
    if (!child || !running.has(child)) return this.#died;
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const hurry = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const how = await this.#died;
    clearTimeout(hurry);
    return how;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop().then(() => undefined);
  }

  /** The last lines of its log, for the message of a failed test. */
  async lastWords(lines = 25): Promise<string> {
    const text = await readFile(this.#log, 'utf8').catch(() => '');
    return `── ${this.name}\n${text.trim().split('\n').slice(-lines).join('\n')}`;
  }
}
