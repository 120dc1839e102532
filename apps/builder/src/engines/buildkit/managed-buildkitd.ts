/** A buildkitd of our own. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runDirOf, SupervisedDaemon } from '../daemon.js';
import type { EngineRegistry } from '../engine.js';
import { KnownRegistries } from '../known-registries.js';
import { capture } from '../process-group.js';
import type { BuildKitDaemon } from './buildkit.js';

export interface ManagedBuildkitdOptions {
  /** Everything it writes lies here: snapshots and build cache (`data`), configuration, log. */
  readonly dir: string;
  /** Build cache to keep, as `20GB`. */
  readonly cacheSize?: string;
  readonly readyTimeoutMs?: number;
  /** One sentence about what happens to the daemon: died, restarted, could not be restarted. */
  readonly onEvent?: (message: string) => void;
}

/**
 * Starts buildkitd on first use, restarts it when it dies, and stops it with `close()`. It needs root, and runc. Build steps
 * have either no network or the host's. It reads its registries only at its start, so one that it does not know yet
 * restarts it, between builds.
 */
export class ManagedBuildkitd implements BuildKitDaemon {
  readonly #registries = new KnownRegistries();
  readonly #daemon: SupervisedDaemon;
  readonly #socket: string;
  #running = 0;
  #onIdle: (() => void) | undefined;
  /** Builds that come while it waits for a restart wait for that, too. */
  #gate: Promise<void> = Promise.resolve();

  constructor(private readonly options: ManagedBuildkitdOptions) {
    const { dir, readyTimeoutMs, onEvent } = options;
    const runDir = runDirOf(dir, 'buildkit', '/buildkitd.sock');
    this.#socket = join(runDir.path, 'buildkitd.sock');
    const address = `unix://${this.#socket}`;
    this.#daemon = new SupervisedDaemon({
      program: 'buildkitd',
      dir,
      runDir,
      address,
      socket: this.#socket,
      pidFiles: [join(runDir.path, 'buildkitd.pid')],
      writesPidFile: false,
      withoutRoot:
        'The BuildKit engine needs root or an existing daemon: set PLINTH_BUILDKIT_HOST (unix:///run/buildkit/buildkitd.sock), or run the builder as root.',
      readyTimeoutMs,
      onEvent,
      prepare: () => this.#prepare(),
      answers: async () =>
        (await capture('buildctl', [`--addr=${address}`, '--timeout=2', 'debug', 'info'])).code === 0,
    });
  }

  host(): Promise<string> {
    return this.#daemon.host();
  }

  async use<T>(registries: readonly EngineRegistry[], work: (host: string) => Promise<T>): Promise<T> {
    const { insecure, authority } = this.#registries.learn(registries);
    if ((insecure || authority) && this.#daemon.isStarted) this.#gate = this.#gate.then(() => this.#restart());
    await this.#gate;
    this.#running++;
    try {
      return await work(await this.#daemon.host());
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  close(): Promise<void> {
    return this.#daemon.close();
  }

  async #restart(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#onIdle = undefined;
    this.options.onEvent?.('Restarting buildkitd: there is a registry that it does not know yet.');
    // A daemon that does not come up says so to the next build.
    await this.#daemon.restart().catch(() => undefined);
  }

  async #prepare(): Promise<{ args: string[]; env: NodeJS.ProcessEnv }> {
    const { dir, cacheSize = '20GB' } = this.options;
    const config = join(dir, 'buildkitd.toml');
    const insecure = this.#registries.insecure.map(
      (address) => `[registry.${JSON.stringify(address)}]\n  http = true\n  insecure = true\n`,
    );
    await writeFile(
      config,
      `[worker.oci]\n  gc = true\n  maxUsedSpace = ${JSON.stringify(cacheSize)}\n${insecure.join('')}`,
    );
    const args = [
      `--config=${config}`,
      `--root=${join(dir, 'data')}`,
      `--addr=unix://${this.#socket}`,
      '--containerd-worker=false',
      '--oci-worker=true',
      '--oci-worker-binary=runc',
      '--oci-worker-net=host',
      // Of the daemon; a build gets it only when its client asks for it as well.
      '--allow-insecure-entitlement=network.host',
    ];
    return { args, env: { ...process.env, ...(await this.#registries.environment(dir)) } };
  }
}
