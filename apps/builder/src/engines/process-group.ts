import { spawn } from 'node:child_process';
import { LineSplitter } from './lines.js';

export interface GroupOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly onStdout: (line: string) => void;
  readonly onStderr: (line: string) => void;
}

export type GroupEnd =
  | { readonly ended: 'exit'; readonly code: number }
  | { readonly ended: 'timeout' | 'canceled'; readonly killed: boolean };

/** How long a process may take to end by itself after TERM before its whole group is killed. */
const graceMs = 5_000;

/**
 * Runs a command in a process group of its own, so that TERM, and KILL after 5 s, reach all that it started. Settles when
 * the command has ended and its output is complete. Rejects when it cannot be started.
 */
export async function runGroup(command: string, args: readonly string[], options: GroupOptions): Promise<GroupEnd> {
  if (options.signal?.aborted === true) return { ended: 'canceled', killed: false };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let why: 'timeout' | 'canceled' | undefined;
    let killed = false;
    let killTimer: NodeJS.Timeout | undefined;
    const stop = (reason: 'timeout' | 'canceled') => {
      if (why !== undefined) return;
      why = reason;
      signalGroup(child.pid, 'SIGTERM');
      killTimer = setTimeout(() => {
        killed = true;
        signalGroup(child.pid, 'SIGKILL');
      }, graceMs);
    };
    const onAbort = () => stop('canceled');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), options.timeoutMs);
    const stdout = new LineSplitter(options.onStdout);
    const stderr = new LineSplitter(options.onStderr);
    child.stdout.on('data', (chunk: Buffer) => stdout.write(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.write(chunk));
    const settle = () => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    // A grandchild that ignores TERM could hold the pipes open for ever.
    child.once('exit', () => {
      if (why !== undefined) signalGroup(child.pid, 'SIGKILL');
    });
    child.once('close', (code, signal) => {
      settle();
      stdout.end();
      stderr.end();
      resolve(
        why === undefined
          ? { ended: 'exit', code: code ?? (signal === 'SIGKILL' ? 137 : 143) }
          : { ended: why, killed },
      );
    });
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the whole group has ended already, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Runs a short command and collects its output; rejects when it cannot be started. */
export async function capture(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const end = await runGroup(command, args, {
    cwd: '/',
    env,
    timeoutMs: 60_000,
    onStdout: (line) => stdout.push(line),
    onStderr: (line) => stderr.push(line),
  });
  return { code: end.ended === 'exit' ? end.code : 124, stdout: stdout.join('\n'), stderr: stderr.join('\n') };
}
