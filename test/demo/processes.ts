import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface Started {
  readonly name: string;
  readonly pid: number;
  /** File that has what it wrote. */
  readonly log: string;
  /** How it ended, once it has. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Standard error, and standard output unless that has a file of its own. */
  readonly log: string;
  readonly output?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Longest that a program may take to end after SIGTERM, in milliseconds; then it is killed. */
const patienceMs = 30_000;

/** What the demo starts, so that all of it is stopped: the last one first. */
export class Processes {
  readonly #started: { readonly child: ChildProcess; readonly started: Started }[] = [];

  /** Rejects when the program cannot be started. */
  async start({ name, command, args, log, output, env, cwd }: StartOptions): Promise<Started> {
    const files = [openSync(output ?? log, 'a', 0o600), openSync(log, 'a', 0o600)] as const;
    const child = spawn(command, args, {
      stdio: ['ignore', ...files],
      // A group of its own: Ctrl-C at the terminal is for the demo, which stops them in order.
      detached: true,
      ...(env ? { env } : {}),
      ...(cwd === undefined ? {} : { cwd }),
    });
    for (const file of files) closeSync(file);
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`${command} cannot be started: ${error.message}`)));
    });
    const started: Started = { name, pid: child.pid!, log, ended, stop: () => stop(child, ended) };
    this.#started.push({ child, started });
    return started;
  }

  async stopAll(): Promise<void> {
    for (const { started } of this.#started.splice(0).reverse()) await started.stop();
  }

  /** At once and without ceremony; for a second Ctrl-C. */
  killAll(): void {
    for (const { child } of this.#started) child.kill('SIGKILL');
  }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

const stop = async (child: ChildProcess, ended: Promise<string>): Promise<void> => {
  if (!isRunning(child)) return;
  child.kill('SIGTERM');
  const hurry = new AbortController();
  const late = delay(patienceMs, undefined, { signal: hurry.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  await ended;
  hurry.abort();
  await late;
};

/** Ends programs that work in this folder, by their command line or as a Plinth: what a demo left that was killed hard. */
export const endLeftovers = async (folder: string): Promise<void> => {
  const ours = async (): Promise<number[]> => {
    const pids: number[] = [];
    for (const name of await readdir('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const line = await about(pid, 'cmdline');
      const environment = (await about(pid, 'environ')).split('\0');
      const isPlinth = environment.some((variable) => variable.startsWith(`PLINTH_DATA=${folder}/`));
      if (isPlinth || line.includes(folder)) pids.push(pid);
    }
    return pids;
  };
  // One that ends between our finding it and the signal is as good as ended.
  const end = (pid: number, signal: NodeJS.Signals): void => {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const pid of await ours()) end(pid, signal);
    for (let waits = 0; waits < 100 && (await ours()).length > 0; waits += 1) await delay(50);
  }
};

/** A file of /proc about a process; empty when that has ended, or is none of our business. */
const about = (pid: number, file: 'cmdline' | 'environ'): Promise<string> =>
  readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
