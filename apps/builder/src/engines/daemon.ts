/** A daemon of our own: child process, own sockets and folders, nothing shared with one that the machine may run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from './engine.js';
import { unmountBelow } from './leftovers.js';

export interface DaemonPlan {
  readonly program: string;
  /** Everything that it keeps lies here, and its log. */
  readonly dir: string;
  /** Where its sockets and pid files lie. */
  readonly runDir: RunDir;
  /** Where it is talked to once it answers. */
  readonly address: string;
  /** Its socket, and the files in which pids of it and its helpers stand. */
  readonly socket: string;
  readonly pidFiles: readonly string[];
  /** Whether it writes the first of those itself; else it is written for it. */
  readonly writesPidFile: boolean;
  /** Says in words what to do instead where this is not root. */
  readonly withoutRoot: string;
  /** How long it may take to answer after a start; default 30 s. */
  readonly readyTimeoutMs?: number | undefined;
  /** One sentence about what happens to the daemon: died, restarted, could not be restarted. */
  readonly onEvent?: ((message: string) => void) | undefined;
  /** Writes its configuration; called before each start. */
  prepare(): Promise<{ readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv }>;
  answers(): Promise<boolean>;
}

export interface RunDir {
  readonly path: string;
  readonly isOwn: boolean;
}

const stopTimeoutMs = 15_000;
/** Linux takes no longer path for a socket, a byte for its end left out; containerd refuses some that are shorter. */
const longestSocketPath = 104;

/**
 * Where the sockets and pid files of a daemon lie: in its own folder, or, where their paths would be too long for that,
 * in one below /run, which only root can write. The daemons need root in any case.
 * @param deepest the longest path of a socket below that folder
 */
export const runDirOf = (dir: string, name: string, deepest: string): RunDir => {
  const own = join(dir, 'run');
  if (own.length + deepest.length <= longestSocketPath) return { path: own, isOwn: true };
  const id = createHash('sha256').update(dir).digest('hex').slice(0, 12);
  return { path: `/run/plinth-${name}-${id}`, isOwn: false };
};

/** Starts a daemon on first use (`host()`), restarts it when it dies, and stops it with `close()`. It needs root. */
export class SupervisedDaemon {
  #child: ChildProcess | undefined;
  #ready: Promise<string> | undefined;
  #closed = false;

  constructor(private readonly plan: DaemonPlan) {}

  get isStarted(): boolean {
    return this.#ready !== undefined;
  }

  /** The address of a daemon that answers. Rejects with EngineError when it cannot run here. */
  async host(): Promise<string> {
    if (this.#closed) throw this.#stopped();
    const ready = (this.#ready ??= this.#start());
    try {
      return await ready;
    } catch (error) {
      // The next build tries again.
      if (this.#ready === ready) this.#ready = undefined;
      throw error;
    }
  }

  /** Stops it and starts it anew, with what `prepare` says then. Whoever asks for it meanwhile waits for that. */
  async restart(): Promise<void> {
    if (this.#closed) throw this.#stopped();
    const before = this.#ready;
    this.#ready = (async () => {
      await before?.catch(() => undefined);
      await this.#stopChild();
      return this.#start();
    })();
    await this.host();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#ready?.catch(() => undefined);
    await this.#stopChild();
    // Mounts of a daemon that was killed before outlive the one that took its place.
    await this.#unmount();
    if (!this.plan.runDir.isOwn) await rm(this.plan.runDir.path, { recursive: true, force: true });
  }

  #stopped(): EngineError {
    return new EngineError('ENGINE_UNAVAILABLE', `The daemon ${this.plan.program} was stopped.`);
  }

  get #log(): string {
    return join(this.plan.dir, `${this.plan.program}.log`);
  }

  async #start(): Promise<string> {
    const { dir, runDir, withoutRoot, address } = this.plan;
    if (process.getuid?.() !== 0) throw new EngineError('ENGINE_NEEDS_ROOT', withoutRoot);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await mkdir(runDir.path, { recursive: true, mode: 0o700 });
    await this.#endPredecessor();
    await this.#spawn();
    return address;
  }

  async #spawn(): Promise<void> {
    const { program, pidFiles, writesPidFile } = this.plan;
    const { args, env } = await this.plan.prepare();
    const log = openSync(this.#log, 'a', 0o600);
    // A group of its own: Ctrl-C at the terminal is for us, who stop it after the builds.
    const child = spawn(program, args, { stdio: ['ignore', log, log], detached: true, env });
    closeSync(log);
    this.#child = child;
    const [pidFile] = pidFiles;
    if (!writesPidFile && pidFile !== undefined && child.pid !== undefined) writeFileSync(pidFile, String(child.pid));
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`cannot be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
    });
    const problem = await this.#untilReady(ended);
    if (problem !== undefined) {
      this.#child = undefined;
      const message = `${program} ${problem}. Its last words: ${await this.#logTail()} (all of them: ${this.#log})`;
      throw new EngineError('ENGINE_UNAVAILABLE', message);
    }
    void ended.then((how) => this.#onEnd(child, how));
  }

  /** Undefined once it answers, else what happened instead. */
  async #untilReady(ended: Promise<string>): Promise<string | undefined> {
    const readyMs = this.plan.readyTimeoutMs ?? 30_000;
    const deadline = performance.now() + readyMs;
    let end: string | undefined;
    void ended.then((how) => (end = how));
    while (performance.now() < deadline) {
      if (end !== undefined) return end;
      if (await this.plan.answers()) return undefined;
      await delay(50);
    }
    await this.#stopChild();
    return `did not answer within ${readyMs / 1000} s`;
  }

  /** Restarts a daemon that died by itself, after 1, 2, 4 … 30 s, until it runs or we are closed. */
  async #onEnd(child: ChildProcess, how: string): Promise<void> {
    if (this.#child !== child || this.#closed) return;
    this.#child = undefined;
    this.plan.onEvent?.(`${this.plan.program} ${how}; restarting it.`);
    this.#ready = this.#again();
    // Whoever builds meanwhile awaits the same promise; nobody may.
    await this.#ready.catch(() => undefined);
  }

  async #again(): Promise<string> {
    for (let waitMs = 0; ; waitMs = Math.min(30_000, Math.max(1_000, waitMs * 2))) {
      if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
      if (this.#closed) throw this.#stopped();
      try {
        return await this.#start();
      } catch (error) {
        this.plan.onEvent?.((error as Error).message);
      }
    }
  }

  async #stopChild(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await endProcess(child.pid);
  }

  /** A daemon whose parent was killed goes on and holds the data; its pid file and socket outlive a killed one. */
  async #endPredecessor(): Promise<void> {
    const { pidFiles, runDir, socket } = this.plan;
    for (const file of pidFiles) {
      const pid = Number(await readFile(file, 'utf8').catch(() => ''));
      if (pid > 1 && (await commandLine(pid)).includes(runDir.path)) await endProcess(pid);
      await rm(file, { force: true });
    }
    await rm(socket, { force: true });
    await this.#unmount();
  }

  async #unmount(): Promise<void> {
    await unmountBelow(this.plan.dir);
    await unmountBelow(this.plan.runDir.path);
  }

  async #logTail(): Promise<string> {
    const text = await readFile(this.#log, 'utf8').catch(() => '');
    return text.trim().split('\n').slice(-3).join(' | ');
  }
}

async function commandLine(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
}

const isAlive = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // A zombie has ended; whoever started it has not looked yet.
  return stat !== '' && !/\) Z /.test(stat);
};

async function endProcess(pid: number): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', stopTimeoutMs],
    ['SIGKILL', 5_000],
  ] as const) {
    const deadline = performance.now() + waitMs;
    if (await isAlive(pid)) process.kill(pid, signal);
    while (performance.now() < deadline) {
      if (!(await isAlive(pid))) return;
      await delay(50);
    }
  }
}
