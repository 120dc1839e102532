import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { tempDir } from './temp-dir.js';
import { toolPath } from './tool-path.js';

export interface NatsOptions {
  /** Kept after `stop()` when given; else a directory of its own that is removed. */
  readonly storeDir?: string;
  readonly port?: number;
  /** More lines for the server's configuration file, such as accounts. */
  readonly config?: string;
  /** Another binary than the one on PATH or of `scripts/tools.mjs`. */
  readonly binary?: string;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly storeDir: string;
  /** Ends it in good order; its own store directory is removed. */
  stop(): Promise<void>;
  /** SIGKILL; the store stays, so that `restart()` finds it as the crash left it. */
  kill(): Promise<void>;
  /** Starts again on the same port and store; ends it first when it still runs. */
  restart(): Promise<void>;
  /** What the server wrote, for the message of a failed test. */
  output(): string;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Resolves when the server greets, with JetStream on: it answers INFO only when it is ready for clients. */
const greets = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    let text = '';
    const end = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      if (text.includes('\r\n')) end(text.startsWith('INFO ') && text.includes('"jetstream":true'));
    });
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
  });

/**
 * A real nats-server with JetStream on a free port of 127.0.0.1, ready when this resolves: every acknowledged write
 * is on disk (`sync_interval: always`), stores are limited.
 */
export const startNats = async (options: NatsOptions = {}): Promise<NatsServer> => {
  const binary = options.binary ?? toolPath('nats-server');
  const own = options.storeDir === undefined ? await tempDir('nats') : undefined;
  const storeDir = options.storeDir ?? own?.path ?? '';
  const port = options.port ?? (await freePort());
  mkdirSync(storeDir, { recursive: true });
  const file = join(storeDir, 'nats-server.conf');
  const lines = [
    `listen: 127.0.0.1:${port}`,
    'max_payload: 8MB',
    'jetstream {',
    `  store_dir: ${JSON.stringify(storeDir)}`,
    '  max_file_store: 64GB',
    '  max_memory_store: 512MB',
    '  sync_interval: always',
    '}',
    options.config ?? '',
  ];
  writeFileSync(file, lines.join('\n'));

  let child: ChildProcess;
  let output = '';
  const start = async (): Promise<void> => {
    child = spawn(binary, ['-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const started = child;
    running.add(started);
    let failed: Error | undefined;
    started.on('error', (error) => (failed = error));
    started.on('exit', () => running.delete(started));
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-20_000)));
    }
    while (!(await greets(port))) {
      if (failed) throw failed;
      if (started.exitCode !== null || started.signalCode !== null) {
        throw new Error(`nats-server ended before it was ready:\n${output}`);
      }
      await delay(10);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  await start();

  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? -1;
    },
    storeDir,
    output: () => output,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM');
      await start();
    },
    async stop() {
      await end('SIGTERM');
      await own?.remove();
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  return server;
};
