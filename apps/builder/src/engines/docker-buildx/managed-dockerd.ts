/** A dockerd of our own: child process, own socket and folders, nothing shared with one that the machine may run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineRegistry } from '../engine.js';
import { addressOf } from '../addresses.js';
import { EngineError } from '../engine.js';
import { unmountBelow } from '../leftovers.js';
import type { DockerDaemon } from './docker-buildx.js';

export interface ManagedDockerdOptions {
  /** Everything it writes lies here: images and build cache (`data`), configuration, log. */
  readonly dir: string;
  readonly registries?: readonly EngineRegistry[];
  /** Bytes of build cache to keep, as dockerd writes sizes. Default 20GB. */
  readonly cacheSize?: string;
  /** How long it may take to answer after a start; default 30 s. */
  readonly readyTimeoutMs?: number;
  /** One sentence about what happens to the daemon: died, restarted, could not be restarted. */
  readonly onEvent?: (message: string) => void;
}

const systemBundle = '/etc/ssl/certs/ca-certificates.crt';
const stopTimeoutMs = 15_000;
/** containerd refuses to start when the path of one of its sockets is longer, and this is the longest one. */
const longestSocketPath = 104;
const deepestSocket = '/exec/containerd/containerd-debug.sock';

/**
 * Where the sockets and pid files of a daemon lie: in its own folder, or, where their paths would be too long for that,
 * in one below /run, which only root can write. dockerd needs root in any case.
 */
export const runDirOf = (dir: string): { readonly path: string; readonly isOwn: boolean } => {
  const own = join(dir, 'run');
  if (own.length + deepestSocket.length <= longestSocketPath) return { path: own, isOwn: true };
  const id = createHash('sha256').update(dir).digest('hex').slice(0, 12);
  return { path: `/run/plinth-docker-${id}`, isOwn: false };
};

/**
 * Starts dockerd on first use (`host()`), restarts it when it dies, and stops it with `close()`. It needs root. It makes no
 * bridge and no firewall rule, so that it changes nothing of the machine's network: build steps have either no network or
 * the host's.
 */
export class ManagedDockerd implements DockerDaemon {
  readonly defaultNetwork = 'host';
  readonly #runDir: string;
  readonly #isRunDirOwn: boolean;
  readonly #insecure = new Set<string>();
  readonly #authorities = new Map<string, string>();
  #child: ChildProcess | undefined;
  #ready: Promise<string> | undefined;
  #closed = false;

  constructor(private readonly options: ManagedDockerdOptions) {
    ({ path: this.#runDir, isOwn: this.#isRunDirOwn } = runDirOf(options.dir));
    for (const registry of options.registries ?? []) this.#learn(registry);
  }

  /** `unix://…` of a daemon that answers. Rejects with EngineError when it cannot run here. */
  async host(): Promise<string> {
    if (this.#closed) throw new EngineError('ENGINE_UNAVAILABLE', 'The Docker daemon was stopped.');
    this.#ready ??= this.#start();
    try {
      return await this.#ready;
    } catch (error) {
      // The next build tries again.
      this.#ready = undefined;
      throw error;
    }
  }

  /**
   * Lets the daemon pull from registries. A plain-HTTP one is added to the running daemon (SIGHUP reloads
   * `insecure-registries`, for BuildKit too); a new certificate authority needs a restart, as a process reads its
   * certificates once.
   */
  async allow(registries: readonly EngineRegistry[]): Promise<void> {
    const before = { insecure: this.#insecure.size, authorities: this.#authorityText() };
    for (const registry of registries) this.#learn(registry);
    if (this.#ready === undefined) return;
    if (this.#authorityText() !== before.authorities) {
      this.options.onEvent?.('Restarting dockerd: a registry has a new certificate authority.');
      await this.#stopChild();
      this.#ready = undefined;
      await this.host();
    } else if (this.#insecure.size !== before.insecure) {
      await this.host();
      await this.#writeConfig();
      this.#child?.kill('SIGHUP');
      await this.#reloaded();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#ready?.catch(() => undefined);
    await this.#stopChild();
    // Mounts of a daemon that was killed before outlive the one that took its place.
    await this.#unmount();
    if (!this.#isRunDirOwn) await rm(this.#runDir, { recursive: true, force: true });
  }

  #learn(registry: EngineRegistry): void {
    const { scheme, ca } = registry;
    if (scheme === 'http') this.#insecure.add(addressOf(registry));
    if (ca !== undefined) this.#authorities.set(addressOf(registry), ca);
  }

  #authorityText(): string {
    return [...this.#authorities.values()].sort().join('\n');
  }

  get #socket(): string {
    return join(this.#runDir, 'docker.sock');
  }
  get #pidFile(): string {
    return join(this.#runDir, 'docker.pid');
  }

  async #start(): Promise<string> {
    if (process.getuid?.() !== 0) {
      const message =
        'The Docker engine needs root or an existing daemon: set DOCKER_HOST (unix:///var/run/docker.sock), or run the builder as root.';
      throw new EngineError('ENGINE_NEEDS_ROOT', message);
    }
    await mkdir(this.options.dir, { recursive: true, mode: 0o700 });
    await mkdir(this.#runDir, { recursive: true, mode: 0o700 });
    await this.#endPredecessor();
    await this.#writeConfig();
    await this.#spawn();
    return `unix://${this.#socket}`;
  }

  async #spawn(): Promise<void> {
    const log = openSync(join(this.options.dir, 'dockerd.log'), 'a', 0o600);
    const args = [
      `--config-file=${join(this.options.dir, 'daemon.json')}`,
      `--data-root=${join(this.options.dir, 'data')}`,
      `--exec-root=${join(this.#runDir, 'exec')}`,
      `--pidfile=${this.#pidFile}`,
      `--host=unix://${this.#socket}`,
      // At `info` it logs each step with the values of its build arguments, secret ones too.
      '--log-level=warn',
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
    ];
    const child = spawn('dockerd', args, {
      stdio: ['ignore', log, log],
      // A group of its own: Ctrl-C at the terminal is for us, who stop it after the builds.
      detached: true,
      env: { ...process.env, ...(await this.#certificates()) },
    });
    closeSync(log);
    this.#child = child;
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`cannot be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
    });
    const problem = await this.#untilReady(ended);
    if (problem !== undefined) {
      this.#child = undefined;
      const tail = await this.#logTail();
      const message = `dockerd ${problem}. Its last words: ${tail} (all of them: ${join(this.options.dir, 'dockerd.log')})`;
      throw new EngineError('ENGINE_UNAVAILABLE', message);
    }
    void ended.then((how) => this.#onEnd(child, how));
  }

  /** Undefined once it answers, else what happened instead. */
  async #untilReady(ended: Promise<string>): Promise<string | undefined> {
    const deadline = performance.now() + (this.options.readyTimeoutMs ?? 30_000);
    let end: string | undefined;
    void ended.then((how) => (end = how));
    while (performance.now() < deadline) {
      if (end !== undefined) return end;
      if ((await this.#get('/_ping')) === 'OK') return undefined;
      await delay(50);
    }
    await this.#stopChild();
    return `did not answer within ${(this.options.readyTimeoutMs ?? 30_000) / 1000} s`;
  }

  /** Restarts a daemon that died by itself, after 1, 2, 4 … 30 s, until it runs or we are closed. */
  async #onEnd(child: ChildProcess, how: string): Promise<void> {
    if (this.#child !== child || this.#closed) return;
    this.#child = undefined;
    this.options.onEvent?.(`dockerd ${how}; restarting it.`);
    this.#ready = this.#restart();
    // Whoever builds meanwhile awaits the same promise; nobody may.
    await this.#ready.catch(() => undefined);
  }

  async #restart(): Promise<string> {
    for (let waitMs = 0; ; waitMs = Math.min(30_000, Math.max(1_000, waitMs * 2))) {
      if (waitMs > 0) await delay(waitMs, undefined, { ref: false });
      if (this.#closed) throw new EngineError('ENGINE_UNAVAILABLE', 'The Docker daemon was stopped.');
      try {
        return await this.#start();
      } catch (error) {
        this.options.onEvent?.((error as Error).message);
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
    for (const file of [this.#pidFile, join(this.#runDir, 'exec', 'containerd', 'containerd.pid')]) {
      const pid = Number(await readFile(file, 'utf8').catch(() => ''));
      if (pid > 1 && (await commandLine(pid)).includes(this.#runDir)) await endProcess(pid);
      await rm(file, { force: true });
    }
    await rm(this.#socket, { force: true });
    await this.#unmount();
  }

  async #unmount(): Promise<void> {
    await unmountBelow(this.options.dir);
    await unmountBelow(this.#runDir);
  }

  async #writeConfig(): Promise<void> {
    const config = {
      // Without it there is no OCI output, and no image of several platforms.
      features: { 'containerd-snapshotter': true },
      'insecure-registries': [...this.#insecure].sort(),
      // The proxy program serves published ports, of which a builder has none; Docker 26 refuses to start without it.
      'userland-proxy': false,
      builder: { gc: { enabled: true, defaultKeepStorage: this.options.cacheSize ?? '20GB' } },
    };
    await writeFile(join(this.options.dir, 'daemon.json'), JSON.stringify(config, null, 2));
  }

  /** Waits until the daemon says that it reads from all insecure registries. */
  async #reloaded(): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      const text = await this.#get('/info');
      const known = text === undefined ? [] : insecureIn(text);
      if ([...this.#insecure].every((registry) => known.includes(registry))) return;
      await delay(50);
    }
    const message = `dockerd did not take over the registries ${[...this.#insecure].join(', ')} within 10 s.`;
    throw new EngineError('ENGINE_UNAVAILABLE', message);
  }

  /** Go reads these two variables instead of the system's places, so the system's certificates are put in as well. */
  async #certificates(): Promise<NodeJS.ProcessEnv> {
    if (this.#authorities.size === 0) return {};
    const system = await readFile(process.env['SSL_CERT_FILE'] ?? systemBundle, 'utf8').catch(() => '');
    const bundle = join(this.options.dir, 'authorities.pem');
    await writeFile(bundle, `${system}\n${this.#authorityText()}\n`);
    return { SSL_CERT_FILE: bundle };
  }

  async #logTail(): Promise<string> {
    const text = await readFile(join(this.options.dir, 'dockerd.log'), 'utf8').catch(() => '');
    return text.trim().split('\n').slice(-3).join(' | ');
  }

  /** Body of a GET on the daemon's socket, or undefined when it does not answer. */
  async #get(path: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const asked = request({ socketPath: this.#socket, path, timeout: 2_000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
        response.on('error', () => resolve(undefined));
      });
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => resolve(undefined));
      asked.end();
    });
  }
}

function insecureIn(info: string): string[] {
  const { RegistryConfig: config } = JSON.parse(info) as {
    RegistryConfig?: { IndexConfigs?: Record<string, { Secure: boolean }> };
  };
  return Object.entries(config?.IndexConfigs ?? {}).flatMap(([name, { Secure }]) => (Secure ? [] : [name]));
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
