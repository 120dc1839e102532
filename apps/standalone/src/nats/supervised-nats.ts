import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sleep, type Clock, type Logger } from '#libs/event-log';
import { natsConfig } from './nats-config.js';

export interface SupervisedNatsOptions {
  /** Folder of its store, its configuration and its log. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Program to run; found on PATH. */
  readonly program?: string;
}

/** How to reach it. */
export interface NatsAccess {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

const gibibyte = 1024 ** 3;
/** Between a death and the next start, in milliseconds. */
const restartDelayMs = 250;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** A nats-server of this installation that outlived its Plinth (killed hard); it holds the store. */
const leftover = (pidFile: string, configFile: string): number | undefined => {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  try {
    // Only a process that was started with our very configuration is ours to end.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(configFile) ? pid : undefined;
  } catch {
    return undefined;
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The nats-server of a standalone Plinth: started with it, ended with it, started again when it dies. */
export class SupervisedNats {
  private child: ChildProcess | undefined;
  private stopping = false;

  private constructor(
    private readonly options: SupervisedNatsOptions,
    private readonly configFile: string,
    private readonly port: number,
    readonly access: NatsAccess,
    /** Bytes that the streams may take together. */
    readonly maxFileStore: number,
  ) {}

  static async start(options: SupervisedNatsOptions): Promise<SupervisedNats> {
    const { folder, clock } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const configFile = join(folder, 'nats-server.conf');
    const pidFile = join(folder, 'nats-server.pid');
    const old = leftover(pidFile, configFile);
    if (old !== undefined) {
      options.logger.warn({ pid: old }, 'a nats-server of this Plinth is still running; it is ended first');
      process.kill(old, 'SIGTERM');
      while (isAlive(old)) await sleep(clock, 50);
    }
    const port = await freePort();
    const password = await keptPassword(join(folder, 'password'));
    const maxFileStore = await keptStoreSize(folder);
    const config = natsConfig({
      port,
      storeDir: join(folder, 'store'),
      pidFile,
      user: 'plinth',
      password,
      maxFileStore,
    });
    await writeFile(configFile, config, { mode: 0o600 });
    await chmod(configFile, 0o600);
    const access = { url: `nats://127.0.0.1:${port}`, user: 'plinth', password };
    const nats = new SupervisedNats(options, configFile, port, access, maxFileStore);
    await nats.spawn();
    return nats;
  }

  /** Process id of the child; for tests that kill it. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  private async spawn(): Promise<void> {
    const { folder, program = 'nats-server' } = this.options;
    const log = openSync(join(folder, 'nats-server.log'), 'a', 0o600);
    const child = spawn(program, ['-c', this.configFile], {
      stdio: ['ignore', log, log],
      // A process group of its own: Ctrl-C at the terminal is for us, who end it when nobody needs it any more.
      detached: true,
    });
    this.child = child;
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => undefined); // only the start is interested
    child.once('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT';
      failure.reject(
        missing
          ? new Error(`${program} is not on PATH. \`node scripts/tools.mjs\` fetches it without installing anything.`)
          : error,
      );
    });
    child.once('exit', (code, signal) => {
      failure.reject(
        new Error(`nats-server ended at once (${signal ?? code}); see ${join(folder, 'nats-server.log')}.`),
      );
      if (!this.stopping) void this.restart(signal ?? String(code));
    });
    await Promise.race([this.listening(), failure.promise]);
  }

  private async listening(): Promise<void> {
    while (!(await accepts(this.port))) await sleep(this.options.clock, 20);
  }

  private async restart(how: string): Promise<void> {
    const { clock, logger } = this.options;
    logger.warn({ how }, 'nats-server died; it is started again');
    await sleep(clock, restartDelayMs);
    if (this.stopping) return;
    try {
      await this.spawn();
    } catch (error) {
      logger.error({ error: String(error) }, 'nats-server does not start');
    }
  }
}

/**
 * Decided once and kept: what the server would take by itself shrinks with the free disk, and then it refuses to start
 * with the streams that it has.
 */
const keptStoreSize = async (folder: string): Promise<number> => {
  const file = join(folder, 'store-size');
  try {
    return Number(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const { bavail, bsize } = await statfs(folder);
    const size = Math.max(gibibyte, Math.min(64 * gibibyte, Math.floor(bavail * bsize * 0.6)));
    await writeFile(file, String(size), { mode: 0o600 });
    return size;
  }
};

/** Made once and kept: a second start must be able to read what the first one wrote. */
const keptPassword = async (file: string): Promise<string> => {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const password = randomBytes(24).toString('base64url');
    await writeFile(file, password, { mode: 0o600 });
    return password;
  }
};
