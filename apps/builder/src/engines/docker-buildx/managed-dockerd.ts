/** A dockerd of our own. */
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunDir, runDirOf as runDirFor, SupervisedDaemon } from '../daemon.js';
import type { EngineRegistry } from '../engine.js';
import { EngineError } from '../engine.js';
import { KnownRegistries } from '../known-registries.js';
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

/** containerd refuses to start when the path of one of its sockets is too long, and this is the longest one. */
const deepestSocket = '/exec/containerd/containerd-debug.sock';

/** Where the sockets and pid files of a daemon with this folder lie. */
export const runDirOf = (dir: string): RunDir => runDirFor(dir, 'docker', deepestSocket);

/**
 * Starts dockerd on first use (`host()`), restarts it when it dies, and stops it with `close()`. It needs root. It makes no
 * bridge and no firewall rule, so that it changes nothing of the machine's network: build steps have either no network or
 * the host's.
 */
export class ManagedDockerd implements DockerDaemon {
  readonly defaultNetwork = 'host';
  readonly #registries = new KnownRegistries();
  readonly #daemon: SupervisedDaemon;
  readonly #runDir: string;

  constructor(private readonly options: ManagedDockerdOptions) {
    const { dir, readyTimeoutMs, onEvent } = options;
    const runDir = runDirOf(dir);
    this.#runDir = runDir.path;
    this.#registries.learn(options.registries ?? []);
    this.#daemon = new SupervisedDaemon({
      program: 'dockerd',
      dir,
      runDir,
      address: `unix://${this.#socket}`,
      socket: this.#socket,
      pidFiles: [this.#pidFile, join(this.#runDir, 'exec', 'containerd', 'containerd.pid')],
      writesPidFile: true,
      withoutRoot:
        'The Docker engine needs root or an existing daemon: set DOCKER_HOST (unix:///var/run/docker.sock), or run the builder as root.',
      readyTimeoutMs,
      onEvent,
      prepare: () => this.#prepare(),
      answers: async () => (await this.#get('/_ping')) === 'OK',
    });
  }

  /** `unix://…` of a daemon that answers. Rejects with EngineError when it cannot run here. */
  host(): Promise<string> {
    return this.#daemon.host();
  }

  /**
   * Lets the daemon pull from registries. A plain-HTTP one is added to the running daemon (SIGHUP reloads
   * `insecure-registries`, for BuildKit too); a new certificate authority needs a restart, as a process reads its
   * certificates once.
   */
  async allow(registries: readonly EngineRegistry[]): Promise<void> {
    const { insecure, authority } = this.#registries.learn(registries);
    if (!this.#daemon.isStarted) return;
    if (authority) {
      this.options.onEvent?.('Restarting dockerd: a registry has a new certificate authority.');
      await this.#daemon.restart();
    } else if (insecure) {
      await this.host();
      await this.#writeConfig();
      this.#daemon.signal('SIGHUP');
      await this.#reloaded();
    }
  }

  close(): Promise<void> {
    return this.#daemon.close();
  }

  get #socket(): string {
    return join(this.#runDir, 'docker.sock');
  }
  get #pidFile(): string {
    return join(this.#runDir, 'docker.pid');
  }

  async #prepare(): Promise<{ args: string[]; env: NodeJS.ProcessEnv }> {
    await this.#writeConfig();
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
    return { args, env: { ...process.env, ...(await this.#registries.environment(this.options.dir)) } };
  }

  async #writeConfig(): Promise<void> {
    const config = {
      // Without it there is no OCI output, and no image of several platforms.
      features: { 'containerd-snapshotter': true },
      'insecure-registries': this.#registries.insecure,
      // The proxy program serves published ports, of which a builder has none; Docker 26 refuses to start without it.
      'userland-proxy': false,
      builder: { gc: { enabled: true, defaultKeepStorage: this.options.cacheSize ?? '20GB' } },
    };
    await writeFile(join(this.options.dir, 'daemon.json'), JSON.stringify(config, null, 2));
  }

  /** Waits until the daemon says that it reads from all insecure registries. */
  async #reloaded(): Promise<void> {
    const deadline = performance.now() + 10_000;
    const { insecure } = this.#registries;
    while (performance.now() < deadline) {
      const text = await this.#get('/info');
      const known = text === undefined ? [] : insecureIn(text);
      if (insecure.every((registry) => known.includes(registry))) return;
      await delay(50);
    }
    const message = `dockerd did not take over the registries ${insecure.join(', ')} within 10 s.`;
    throw new EngineError('ENGINE_UNAVAILABLE', message);
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
