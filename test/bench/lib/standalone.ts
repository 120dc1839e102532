import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '#libs/testing';
import { endWithUs } from './children.js';
import { cpuSeconds } from './memory.js';

export interface Standalone extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  /** From the spawn until /health/ready answered 200, in milliseconds. */
  readonly readyMs: number;
  /** Processor time that it had used by then, in seconds. */
  readonly readyCpuSeconds: number;
  output(): string;
}

export interface StandaloneOptions {
  readonly dataDir: string;
  readonly httpPort?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const program = resolve(import.meta.dirname, '../../../apps/standalone/src/main.js');
const token = 'bench-0123456789abcdef0123456789';
const startMs = 60_000;

const isReady = async (url: string): Promise<boolean> => {
  try {
    const answer = await fetch(`${url}/health/ready`);
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false; // does not listen yet
  }
};

/** Asks every few milliseconds until the address answers 200; throws what `ended` says when that is in vain. */
export const untilReady = async (url: string, ended: () => string | undefined): Promise<void> => {
  for (const until = performance.now() + startMs; !(await isReady(url)); await delay(5)) {
    const why = ended() ?? (performance.now() > until ? `it was not ready after ${startMs} ms` : undefined);
    if (why !== undefined) throw new Error(`${url} does not get ready: ${why}`);
  }
};

/** The standalone Plinth in a process of its own, as `npm start` runs it, on free ports. */
export const startStandalone = async ({ dataDir, env = {}, ...options }: StandaloneOptions): Promise<Standalone> => {
  const port = options.httpPort ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const began = performance.now();
  const plinth = spawn(process.execPath, ['--enable-source-maps', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PLINTH_DATA: dataDir,
      PLINTH_HTTP_PORT: String(port),
      PLINTH_GRPC_PORT: '0',
      PLINTH_TOKEN: token,
      ...env,
    },
  });
  const child = endWithUs(plinth);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  const endedWith = () => (child.exitCode === null ? undefined : `it ended with code ${child.exitCode}:\n${output}`);
  try {
    await untilReady(url, endedWith);
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}\n${output}`, { cause: error });
  }
  const readyMs = performance.now() - began;
  const pid = child.pid ?? -1;
  const readyCpuSeconds = cpuSeconds(pid);
  return { url, token, pid, readyMs, readyCpuSeconds, output: () => output, [Symbol.asyncDispose]: stop };
};
