import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ContextError } from '../errors.js';

export interface GitRun {
  readonly args: readonly string[];
  /** Directory that is its home and where it works; nothing of the user's or machine's configuration is read. */
  readonly home: string;
  /** Configuration by environment: neither a command line nor a file shows it. */
  readonly config?: Readonly<Record<string, string>>;
  /** Largest file that it may write, enforced by the kernel. */
  readonly fileBytes?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Reads its output while it runs; without it the output is collected. */
  readonly consume?: (stdout: Readable) => Promise<void>;
}

export interface GitResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TEXT_BYTES = 8 * 1024 * 1024;
const TIMEOUT_MS = 10 * 60_000;

/**
 * Runs `git` in a process group of its own that is killed whole when the caller gives up or time is over. Only http
 * and https are spoken, nobody is asked for anything, no hook and no foreign configuration is read.
 *
 * @throws ContextError UNAVAILABLE when git is not installed or takes too long; what `consume` throws; the signal's
 *   reason. A non-zero exit is not an error here: it is in the result.
 */
export async function git(run: GitRun): Promise<GitResult> {
  run.signal?.throwIfAborted();
  const blocks = run.fileBytes === undefined ? 'unlimited' : String(Math.ceil(run.fileBytes / 512));
  // POSIX: `ulimit -f` counts blocks of 512 bytes. The shell sees the arguments as "$@" and interprets none of them.
  const child = spawn('/bin/sh', ['-c', 'ulimit -f "$0" && exec git "$@"', blocks, ...run.args], {
    cwd: run.home,
    env: environment(run),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, run.timeoutMs ?? TIMEOUT_MS);
  run.signal?.addEventListener('abort', kill, { once: true });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  ended.catch(() => undefined);
  try {
    const stderr = text(child.stderr);
    const stdout = run.consume
      ? run.consume(child.stdout).then(
          () => '',
          (error: unknown) => {
            kill();
            throw error;
          },
        )
      : text(child.stdout);
    const [code, out, err] = await Promise.all([ended, stdout, stderr]).catch((error: unknown) => {
      throw late ? tooLate() : error;
    });
    run.signal?.throwIfAborted();
    if (late) throw tooLate();
    if (code === 127) {
      throw new ContextError('UNAVAILABLE', 'The program git is needed and not on the PATH; install the package git.');
    }
    return { code, stdout: out, stderr: err };
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', kill);
    kill();
  }
}

const tooLate = (): ContextError =>
  new ContextError('UNAVAILABLE', 'git took too long and was stopped; later it may work.');

const KEPT = ['PATH', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'GIT_EXEC_PATH'];

function environment({ home, config = {} }: GitRun): NodeJS.ProcessEnv {
  const settings: Record<string, string> = {
    'core.hooksPath': '/dev/null',
    'core.attributesFile': '/dev/null',
    'credential.helper': '',
    'http.followRedirects': 'false',
    'http.lowSpeedLimit': '1000',
    'http.lowSpeedTime': '60',
    // Always one pack, so that a limit on the size of a file is one on the fetch.
    'fetch.unpackLimit': '1',
    'gc.auto': '0',
    'maintenance.auto': 'false',
    'protocol.version': '2',
    // Files as a checkout has them: 0644 and 0755.
    'tar.umask': '0022',
    ...config,
  };
  const names = Object.keys(settings);
  return {
    ...Object.fromEntries(KEPT.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C',
    GIT_ALLOW_PROTOCOL: 'https:http',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'false',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: String(names.length),
    ...Object.fromEntries(
      names.flatMap((name, index) => [
        [`GIT_CONFIG_KEY_${index}`, name],
        [`GIT_CONFIG_VALUE_${index}`, settings[name] ?? ''],
      ]),
    ),
  };
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= TEXT_BYTES) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
