import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
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
/** Between a death and the next start, in milliseconds: doubling while it does not come up, to half a minute. */
const restartDelayMs = (failures: number): number => Math.min(30_000, 250 * 2 ** Math.min(failures, 10));

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
  /** Starts in a row that did not come up. */
  private failures = 0;

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
    try {
      await nats.spawn();
    } catch (error) {
      nats.stopping = true; // who does not come up the first time is not tried again behind the caller's back
      throw error;
    }
    return nats;
  }

  /** How to reach the one that runs on this folder; undefined when none does. */
  static async running(folder: string): Promise<NatsAccess | undefined> {
    const configFile = join(folder, 'nats-server.conf');
    if (leftover(join(folder, 'nats-server.pid'), configFile) === undefined) return undefined;
    const port = /^listen: "127\.0\.0\.1:(\d+)"$/m.exec(await readFile(configFile, 'utf8'))?.[1];
    const password = (await readFile(join(folder, 'password'), 'utf8')).trim();
    return port === undefined ? undefined : { url: `nats://127.0.0.1:${port}`, user: 'plinth', password };
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
    closeSync(log); // the child has its own
    this.child = child;
    let ended = false;
    const failure = Promise.withResolvers<never>();
    failure.promise.catch(() => undefined); // only the start is interested
    child.once('error', (error: NodeJS.ErrnoException) => {
      ended = true;
      const missing = error.code === 'ENOENT';
      failure.reject(
        missing
          ? new Error(`${program} is not on PATH. \`node scripts/tools.mjs\` fetches it without installing anything.`)
          : error,
      );
    });
    child.once('exit', (code, signal) => {
      ended = true;
      failure.reject(
        new Error(`nats-server ended at once (${signal ?? code}); see ${join(folder, 'nats-server.log')}.`),
      );
      if (!this.stopping) void this.restart(signal ?? String(code));
    });
    await Promise.race([this.listening(() => ended), failure.promise]);
    this.failures = 0;
  }

  /** Resolves when the port answers. Who ended will not listen any more, so nobody goes on asking. */
  private async listening(ended: () => boolean): Promise<void> {
    while (!(await accepts(this.port)) && !ended()) await sleep(this.options.clock, 20);
    if (ended()) await new Promise<never>(() => undefined); // the failure says why
  }

  private async restart(how: string): Promise<void> {
    const { clock, logger } = this.options;
    logger.warn({ how }, 'nats-server died; it is started again');
    await sleep(clock, restartDelayMs(this.failures));
    if (this.stopping) return;
    this.failures += 1;
    try {
      await this.spawn();
    } catch (error) {
      logger.error({ error: String(error) }, 'nats-server does not start; it is tried again');
      // One that ran says itself that it ended; one that could not be run at all says nothing more.
      if (this.child?.pid === undefined && !this.stopping) void this.restart('it could not be run');
    }
  }
}

/**
 * Decided once and kept: what the server would take by itself shrinks with the free disk, and then it refuses to start
 * with the streams that it has.
 */
const keptStoreSize = async (folder: string): Promise<number> => {
  const text = await kept(join(folder, 'store-size'), async () => {
    const { bavail, bsize } = await statfs(folder);
    return String(Math.max(gibibyte, Math.min(64 * gibibyte, Math.floor(bavail * bsize * 0.6))));
  });
  const size = Number(text);
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new Error(`${join(folder, 'store-size')} holds "${text}", which is no number of bytes. Remove the file.`);
};

/** Made once and kept: a second start must be able to read what the first one wrote. */
const keptPassword = (file: string): Promise<string> =>
  kept(file, () => Promise.resolve(randomBytes(24).toString('base64url')));

/** What the file holds, or what is made now. An empty one is what a crash left: an empty password would let all in. */
const kept = async (file: string, make: () => Promise<string>): Promise<string> => {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    if (text !== '') return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const text = await make();
  await writeFile(file, text, { mode: 0o600 });
  return text;
};
