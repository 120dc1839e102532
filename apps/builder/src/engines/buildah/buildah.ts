/** The Buildah engine: no daemon; one store per slot, so that parallel builds neither wait for nor clean up each other. */
import { access, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { dockerConfig } from '../docker-config.js';
import type { BuildOutcome, BuildRequest, Engine, EngineCheck, EngineFeature } from '../engine.js';
import { EngineError } from '../engine.js';
import { featureNames, requiredFeatures } from '../features.js';
import { type Limiter, withoutLimits } from '../limits/limits.js';
import { killProcessesIn, unmountBelow } from '../leftovers.js';
import { finishLayout } from '../layout.js';
import { capture, runGroup } from '../process-group.js';
import { redactor } from '../redact.js';
import { giveSecrets, takesAllBut, type GivenSecrets } from '../secret-arguments.js';
import { diagnose } from './failures.js';
import { cacheArguments, pinArguments, registriesConf, signaturePolicy, storageConf } from './job-files.js';
import { BuildahOutput } from './output.js';

export interface BuildahOptions {
  /** Stores of the slots and files of running jobs; made when needed. */
  readonly dir: string;
  /** Builds at a time. */
  readonly slots: number;
  /** `chroot` shares the machine's processes and network with a build: only where the configuration says so. */
  readonly isolation?: 'oci' | 'chroot';
  /** Whether whoever builds here may do anything on this machine; chroot refuses to build without it. */
  readonly trusted?: boolean;
  readonly storageDriver?: 'overlay' | 'vfs';
  /** What `network: default` means; `private` needs CNI plug-ins or netavark. */
  readonly defaultNetwork?: 'host' | 'private';
  readonly limiter?: Limiter | undefined;
  /** A slot's store is emptied after so many builds; default 50. */
  readonly recycleAfter?: number;
}

interface Slot {
  readonly dir: string;
  builds: number;
}

interface OneBuild {
  readonly store: string;
  readonly job: string;
  readonly request: BuildRequest;
  readonly secrets: GivenSecrets;
  readonly env: NodeJS.ProcessEnv;
  readonly redact: (text: string) => string;
  readonly platform: string | undefined;
  /** Control group for what the build's steps start. */
  readonly cgroup: string | undefined;
  readonly timeoutMs: number;
}

const jobPrefix = 'job-';

const takesVariable = takesAllBut('BUILDAH_*', 'CONTAINERS_*', 'REGISTRY_*', 'XDG_*');

export class BuildahEngine implements Engine {
  readonly name = 'buildah';
  readonly isolation: 'oci' | 'chroot';
  /** Buildah 1.28, Debian 12's; what later versions add is not counted on. */
  readonly features: ReadonlySet<EngineFeature> = new Set<EngineFeature>(['multi-platform']);
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];

  constructor(private readonly options: BuildahOptions) {
    this.isolation = options.isolation ?? 'oci';
    this.#free = Array.from({ length: options.slots }, (_, index) => ({
      dir: join(options.dir, `slot-${index + 1}`),
      builds: 0,
    }));
  }

  /** Why the isolation that was chosen is not used; undefined when it is. */
  get #distrust(): string | undefined {
    if (this.isolation !== 'chroot' || this.options.trusted === true) return undefined;
    return 'With chroot a build step can do anything on this machine, and this pool is not said to be trusted.';
  }

  async check(): Promise<EngineCheck> {
    const distrust = this.#distrust;
    if (distrust !== undefined) {
      return { ok: false, problem: distrust, fix: 'Set PLINTH_ISOLATION=oci, or PLINTH_TRUSTED=yes if that is so.' };
    }
    const limits = await this.options.limiter?.problem();
    if (limits !== undefined) return { ok: false, problem: limits, fix: withoutLimits };
    const fix = 'apt-get install -y buildah runc';
    try {
      const { code, stdout, stderr } = await capture('buildah', ['--version']);
      if (code !== 0) return { ok: false, problem: `buildah does not work: ${stderr}`, fix };
      // crun refuses to run where cgroups are in hybrid mode; runc runs everywhere.
      if (this.isolation === 'oci') await capture('runc', ['--version']);
      return { ok: true, version: /\d+\.\d+(?:\.\d+)?/.exec(stdout)?.[0] ?? stdout };
    } catch (error) {
      return { ok: false, problem: `buildah or runc cannot be started: ${(error as Error).message}`, fix };
    }
  }

  async build(request: BuildRequest): Promise<BuildOutcome> {
    if (request.signal.aborted) return { kind: 'canceled' };
    const distrust = this.#distrust;
    if (distrust !== undefined)
      throw new EngineError('ENGINE_UNAVAILABLE', `${distrust} Set PLINTH_TRUSTED=yes if it is.`);
    const dockerfile = isAbsolute(request.dockerfile)
      ? request.dockerfile
      : join(request.contextDir, request.dockerfile);
    const text = await readFile(dockerfile, 'utf8').catch(() => undefined);
    if (text === undefined) {
      const reason = `The Dockerfile ${request.dockerfile} is not in the context.`;
      return { kind: 'failed', code: 'DOCKERFILE_NOT_FOUND', reason };
    }
    const lacking = requiredFeatures(text).filter((feature) => !this.features.has(feature));
    if (lacking.length > 0) {
      const names = lacking.map((feature) => featureNames[feature]).join(', ');
      const reason = `The Dockerfile uses ${names}, which the Buildah engine does not have: build it with the Docker engine.`;
      return { kind: 'failed', code: 'FEATURE_UNSUPPORTED', reason };
    }
    const slot = await this.#take(request.signal);
    if (slot === undefined) return { kind: 'canceled' };
    const job = await mkdtemp(join(this.options.dir, jobPrefix));
    try {
      const { limiter } = this.options;
      const secrets = await giveSecrets(request.secretArgs, { dir: job, dockerfile, takesVariable });
      if (secrets.kind !== 'given') return secrets;
      const run = (limited: BuildRequest, cgroup: string | undefined): Promise<BuildOutcome> =>
        this.#buildIn(slot, job, limited, secrets, cgroup);
      return await (limiter ? limiter.run(request, run) : run(request, undefined));
    } finally {
      await rm(job, { recursive: true, force: true });
      this.#give(slot);
    }
  }

  async cleanup(): Promise<void> {
    await mkdir(this.options.dir, { recursive: true });
    for (const name of await readdir(this.options.dir)) {
      const path = join(this.options.dir, name);
      if (name.startsWith('slot-')) await this.#sweepSlot(path);
      if (name.startsWith(jobPrefix)) await rm(path, { recursive: true, force: true });
    }
    await this.options.limiter?.sweep();
  }

  async close(): Promise<void> {
    for (const { dir } of this.#free) await unmountBelow(dir);
  }

  async #buildIn(
    slot: Slot,
    job: string,
    request: BuildRequest,
    secrets: GivenSecrets,
    cgroup: string | undefined,
  ): Promise<BuildOutcome> {
    const redact = redactor(request.secretArgs);
    const jobEnv = await this.#prepare(job, request);
    // One build and one store for each platform: the layer cache of 1.28 compares layers and instructions but not
    // platforms, and `--platform a,b --manifest` then puts the first platform's image into the list once.
    const platforms = request.platforms.length === 0 ? [undefined] : request.platforms;
    const deadline = performance.now() + request.timeoutMs;
    slot.builds++;
    const recycle = slot.builds >= (this.options.recycleAfter ?? 50);
    if (recycle) slot.builds = 0;
    for (const [index, platform] of platforms.entries()) {
      const store = join(slot.dir, (platform ?? 'own').replaceAll('/', '-'));
      const env = { ...jobEnv, CONTAINERS_STORAGE_CONF: await this.#writeStorageConf(job, store) };
      const timeoutMs = Math.max(1, deadline - performance.now());
      const problem = await this.#buildOne({
        store,
        job,
        request,
        secrets,
        env,
        redact,
        platform,
        timeoutMs,
        cgroup,
      });
      if (problem !== undefined) return problem;
      await this.#export(job, env, `${request.outputDir}:${index}`);
      if (recycle) await capture('buildah', ['rmi', '--all', '--force'], env);
    }
    return finishLayout(request.outputDir, {
      annotations: request.annotations ?? {},
      redact,
      index: request.platforms.length > 1,
    });
  }

  async #sweepSlot(slotDir: string): Promise<void> {
    for (const name of await readdir(slotDir)) {
      const store = join(slotDir, name);
      await this.#sweep(store, { ...process.env, CONTAINERS_STORAGE_CONF: await this.#writeStorageConf(store, store) });
    }
  }

  /** Builds for one platform; undefined when it succeeded. */
  async #buildOne(build: OneBuild): Promise<BuildOutcome | undefined> {
    const { store, request, secrets, env, redact, timeoutMs } = build;
    const words: string[] = [];
    const output = new BuildahOutput({
      onLog: (line) =>
        request.onLog({
          ...line,
          text: redact(line.text),
          ...(line.step === undefined ? {} : { step: redact(line.step) }),
        }),
      onProgress: (progress) =>
        request.onProgress?.({ ...progress, step: redact(progress.step), name: redact(progress.name) }),
    });
    const end = await start('buildah', this.#arguments(build), {
      cwd: request.contextDir,
      env: { ...env, ...secrets.env },
      signal: request.signal,
      timeoutMs,
      onStdout: (line) => output.stdout(line),
      onStderr: (line) => {
        words.push(line);
        output.stderr(line);
      },
    });
    const succeeded = end.ended === 'exit' && end.code === 0;
    output.end(succeeded);
    if (succeeded) return undefined;
    // Even after TERM the working container and its mounts stay; after KILL, the step's process too.
    await this.#sweep(store, env);
    if (end.ended !== 'exit') return { kind: end.ended };
    // It is not told to go on without the cache, as BuildKit is.
    if (words.some((line) => line.startsWith('Error: failed pushing cache'))) {
      request.onLog({ stream: 'stderr', text: `The cache ${request.cache} cannot be used; building without it.` });
      const { cache: _, ...without } = request;
      return this.#buildOne({ ...build, request: without });
    }
    const found = diagnose(words.join('\n'));
    if (found.kind === 'ours') throw new EngineError(found.code, redact(found.reason));
    return { kind: 'failed', code: found.code, reason: redact(found.reason) };
  }

  async #prepare(job: string, request: BuildRequest): Promise<NodeJS.ProcessEnv> {
    const file = async (name: string, text: string) => {
      await writeFile(join(job, name), text, { mode: 0o600 });
      return join(job, name);
    };
    await mkdir(join(job, 'tmp'));
    await mkdir(join(job, 'certs'));
    for (const [index, { ca }] of request.registries.entries()) {
      if (ca !== undefined) await file(`certs/${index}.crt`, ca);
    }
    await file('policy.json', signaturePolicy(request));
    await file('auth.json', dockerConfig(request.registries));
    return {
      ...process.env,
      // What buildah leaves in its temporary folder when it is killed goes with the job.
      TMPDIR: join(job, 'tmp'),
      REGISTRY_AUTH_FILE: join(job, 'auth.json'),
      DOCKER_CONFIG: job,
      CONTAINERS_REGISTRIES_CONF: await file('registries.conf', registriesConf(request.registries)),
    };
  }

  #arguments({ request, job, secrets, platform, cgroup }: OneBuild): string[] {
    const network = request.network === 'default' ? (this.options.defaultNetwork ?? 'host') : request.network;
    return [
      'build',
      `--isolation=${this.isolation}`,
      ...(this.isolation === 'oci' ? ['--runtime=runc'] : []),
      ...(cgroup === undefined ? [] : [`--cgroup-parent=${cgroup}/step`]),
      '--format=oci',
      // Its label names buildah's version: an update of the engine would change every digest.
      '--identity-label=false',
      `--timestamp=${request.sourceDateEpoch}`,
      `--network=${network}`,
      `--file=${secrets.dockerfile}`,
      `--signature-policy=${join(job, 'policy.json')}`,
      `--cert-dir=${join(job, 'certs')}`,
      // Without it, all instructions make one layer: the same build would have another digest.
      '--layers',
      ...(request.noCache ? ['--no-cache'] : []),
      ...cacheArguments(request),
      ...pinArguments(request.pins, request.registries),
      ...(request.target === undefined ? [] : [`--target=${request.target}`]),
      ...(platform === undefined ? [] : [`--platform=${platform}`]),
      `--iidfile=${join(job, 'iid')}`,
      ...Object.entries(request.buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      // Without a value, it is taken from the environment.
      ...secrets.arguments.flatMap((name) => ['--build-arg', name]),
      ...secrets.secrets.flatMap((settings) => ['--secret', settings]),
      ...Object.entries(request.labels ?? {}).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
      request.contextDir,
    ];
  }

  /** Adds the image just built to the layout, under a name of its own there. */
  async #export(job: string, env: NodeJS.ProcessEnv, destination: string): Promise<void> {
    const policy = `--signature-policy=${join(job, 'policy.json')}`;
    const id = (await readFile(join(job, 'iid'), 'utf8')).trim();
    const pushed = await capture('buildah', ['push', policy, id, `oci:${destination}`], env);
    if (pushed.code !== 0) {
      throw new EngineError('ENGINE_FAILED', `buildah could not write the image: ${pushed.stderr}`);
    }
  }

  async #writeStorageConf(folder: string, store: string): Promise<string> {
    await mkdir(store, { recursive: true, mode: 0o700 });
    const file = join(folder, 'storage.conf');
    await writeFile(file, storageConf(store, this.options.storageDriver ?? 'overlay'));
    return file;
  }

  /** Takes away what a build that did not end well left in its store; a store that cannot be repaired is given up. */
  async #sweep(store: string, env: NodeJS.ProcessEnv): Promise<void> {
    await killProcessesIn(store);
    const removed = await capture('buildah', ['rm', '--all'], env);
    if (removed.code === 0) return;
    await unmountBelow(store);
    await rm(store, { recursive: true, force: true });
  }

  /** A free slot, or undefined when the build was canceled while it waited. */
  async #take(signal: AbortSignal): Promise<Slot | undefined> {
    await mkdir(this.options.dir, { recursive: true });
    const free = this.#free.pop();
    if (free !== undefined) return free;
    return new Promise((resolve) => {
      const onSlot = (slot: Slot) => {
        signal.removeEventListener('abort', onAbort);
        resolve(slot);
      };
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(onSlot), 1);
        resolve(undefined);
      };
      this.#waiting.push(onSlot);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #give(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slot);
    else next(slot);
  }
}

const start: typeof runGroup = async (command, args, options) => {
  await access(options.cwd);
  try {
    return await runGroup(command, args, options);
  } catch (error) {
    const message = `${command} cannot be started: ${(error as Error).message}. Install it: apt-get install -y buildah runc`;
    throw new EngineError('ENGINE_UNAVAILABLE', message, { cause: error });
  }
};
