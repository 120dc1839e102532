import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { repositoryRoot } from '#libs/testing';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program of another team, as a process; what it prints is read line by line. */
export class Program {
  readonly lines: string[] = [];
  /** What it wrote to stderr. */
  errors = '';
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  readonly #ended: Promise<number | NodeJS.Signals>;

  /** @param path below the root of the repository */
  constructor(path: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [path, ...args], {
      cwd: repositoryRoot,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString('utf8')));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.lines.push(line);
      this.#tell();
    });
    this.#ended = once(child, 'close').then(([code, signal]) => {
      running.delete(child);
      this.#tell();
      return (code ?? signal) as number | NodeJS.Signals;
    });
  }

  /** Exit code, or the signal that ended it. */
  get ended(): Promise<number | NodeJS.Signals> {
    return this.#ended;
  }

  /** Resolves once what it printed suits. Rejects when it ends before. */
  async until(suits: (lines: readonly string[]) => boolean): Promise<readonly string[]> {
    while (!suits(this.lines)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`It ended before:\n${this.lines.join('\n')}\n${this.errors}`);
      }
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
    return this.lines;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    return this.#ended;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
