/** The Buildah engine: no daemon; one store per slot, so that parallel builds neither wait for nor clean up each other. */
import { access, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { dockerConfig } from '../docker-config.js';
import type { BuildOutcome, BuildRequest, Engine, EngineCheck, EngineFeature } from '../engine.js';
import { EngineError } from '../engine.js';
import { featureNames, requiredFeatures } from '../features.js';
import { finishLayout } from '../layout.js';
import { capture, runGroup } from '../process-group.js';
import { redactor } from '../redact.js';
import { diagnose } from './failures.js';
import { pinArguments, registriesConf, signaturePolicy, storageConf } from './job-files.js';
import { killProcessesIn, unmountBelow } from './leftovers.js';
import { BuildahOutput } from './output.js';

export interface BuildahOptions {
  /** Stores of the slots and files of running jobs; made when needed. */
  readonly dir: string;
  /** Builds at a time. */
  readonly slots: number;
  /** `chroot` shares the machine's processes and network with a build: only where the configuration says so. */
  readonly isolation?: 'oci' | 'chroot';
  readonly storageDriver?: 'overlay' | 'vfs';
  /** What `network: default` means; `private` needs CNI plug-ins or netavark. */
  readonly defaultNetwork?: 'host' | 'private';
  /** A slot's store is emptied after so many builds; default 50. */
  readonly recycleAfter?: number;
}

interface Slot {
  readonly dir: string;
  builds: number;
}

const jobPrefix = 'job-';
const listName = 'localhost/plinth:job';

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

  async check(): Promise<EngineCheck> {
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
      return await this.#buildIn(slot, job, request, dockerfile);
    } finally {
      await rm(job, { recursive: true, force: true });
      this.#give(slot);
    }
  }

  async cleanup(): Promise<void> {
    await mkdir(this.options.dir, { recursive: true });
    for (const name of await readdir(this.options.dir)) {
      const path = join(this.options.dir, name);
      if (name.startsWith('slot-')) await this.#sweep(path);
      if (name.startsWith(jobPrefix)) await rm(path, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    for (const { dir } of this.#free) await unmountBelow(dir);
  }

  async #buildIn(slot: Slot, job: string, request: BuildRequest, dockerfile: string): Promise<BuildOutcome> {
    const redact = redactor(request.secretArgs);
    const env = await this.#prepare(slot, job, request);
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
    const end = await start('buildah', this.#arguments(request, job, dockerfile), {
      cwd: request.contextDir,
      env: { ...env, ...secretsByEnvironment(request.secretArgs) },
      signal: request.signal,
      timeoutMs: request.timeoutMs,
      onStdout: (line) => output.stdout(line),
      onStderr: (line) => {
        words.push(line);
        output.stderr(line);
      },
    });
    output.end(end.ended === 'exit' && end.code === 0);
    if (end.ended !== 'exit') {
      // Even after TERM the working container and its mounts stay; after KILL, the step's process too.
      await this.#sweep(slot.dir, env);
      return { kind: end.ended };
    }
    if (end.code !== 0) {
      await this.#sweep(slot.dir, env);
      const found = diagnose(words.join('\n'));
      if (found.kind === 'ours') throw new EngineError(found.code, redact(found.reason));
      return { kind: 'failed', code: found.code, reason: redact(found.reason) };
    }
    await this.#export(request, job, env);
    slot.builds++;
    if (slot.builds >= (this.options.recycleAfter ?? 50)) {
      slot.builds = 0;
      await capture('buildah', ['rmi', '--all', '--force'], env);
    }
    return finishLayout(request.outputDir, { annotations: request.annotations ?? {}, redact });
  }

  async #prepare(slot: Slot, job: string, request: BuildRequest): Promise<NodeJS.ProcessEnv> {
    const file = async (name: string, text: string) => {
      await writeFile(join(job, name), text, { mode: 0o600 });
      return join(job, name);
    };
    await mkdir(slot.dir, { recursive: true, mode: 0o700 });
    await mkdir(join(job, 'tmp'));
    await mkdir(join(job, 'certs'));
    for (const [index, { ca }] of request.registries.entries()) {
      if (ca !== undefined) await file(`certs/${index}.crt`, ca);
    }
    await file('policy.json', signaturePolicy(request.pins));
    await file('auth.json', dockerConfig(request.registries));
    return {
      ...process.env,
      // What buildah leaves in its temporary folder when it is killed goes with the job.
      TMPDIR: join(job, 'tmp'),
      REGISTRY_AUTH_FILE: join(job, 'auth.json'),
      DOCKER_CONFIG: job,
      CONTAINERS_REGISTRIES_CONF: await file('registries.conf', registriesConf(request.registries)),
      CONTAINERS_STORAGE_CONF: await file(
        'storage.conf',
        storageConf(slot.dir, this.options.storageDriver ?? 'overlay'),
      ),
    };
  }

  #arguments(request: BuildRequest, job: string, dockerfile: string): string[] {
    const secretNames = Object.keys(secretsByEnvironment(request.secretArgs));
    const shown = Object.entries({ ...request.secretArgs, ...request.buildArgs }).filter(
      ([name]) => !secretNames.includes(name),
    );
    const network = request.network === 'default' ? (this.options.defaultNetwork ?? 'host') : request.network;
    return [
      'build',
      `--isolation=${this.isolation}`,
      ...(this.isolation === 'oci' ? ['--runtime=runc'] : []),
      '--format=oci',
      // Its label names buildah's version: an update of the engine would change every digest.
      '--identity-label=false',
      `--timestamp=${request.sourceDateEpoch}`,
      `--network=${network}`,
      `--file=${dockerfile}`,
      `--signature-policy=${join(job, 'policy.json')}`,
      `--cert-dir=${join(job, 'certs')}`,
      `--iidfile=${join(job, 'iid')}`,
      ...(request.noCache ? ['--no-cache'] : ['--layers']),
      ...pinArguments(request.pins),
      ...(request.target === undefined ? [] : [`--target=${request.target}`]),
      ...(request.platforms.length === 0 ? [] : [`--platform=${request.platforms.join(',')}`]),
      ...(request.platforms.length > 1 ? [`--manifest=${listName}`] : []),
      ...shown.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      // Without a value, it is taken from the environment.
      ...secretNames.flatMap((name) => ['--build-arg', name, '--secret', `id=${name},env=${name}`]),
      ...Object.entries(request.labels ?? {}).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
      request.contextDir,
    ];
  }

  async #export(request: BuildRequest, job: string, env: NodeJS.ProcessEnv): Promise<void> {
    const policy = `--signature-policy=${join(job, 'policy.json')}`;
    const several = request.platforms.length > 1;
    const source = several ? listName : (await readFile(join(job, 'iid'), 'utf8')).trim();
    const command = several ? ['manifest', 'push', '--all'] : ['push'];
    const pushed = await capture('buildah', [...command, policy, source, `oci:${request.outputDir}`], env);
    // Names are one store's; the next build of several platforms starts a list of its own.
    if (several) await capture('buildah', ['manifest', 'rm', listName], env);
    if (pushed.code !== 0) {
      throw new EngineError('ENGINE_FAILED', `buildah could not write the image: ${pushed.stderr}`);
    }
  }

  /** Takes away what a build that did not end well left in its slot; a store that cannot be repaired is given up. */
  async #sweep(slotDir: string, jobEnv?: NodeJS.ProcessEnv): Promise<void> {
    await killProcessesIn(slotDir);
    const conf = join(slotDir, 'storage.conf');
    if (jobEnv === undefined) await writeFile(conf, storageConf(slotDir, this.options.storageDriver ?? 'overlay'));
    const env = jobEnv ?? { ...process.env, CONTAINERS_STORAGE_CONF: conf };
    const removed = await capture('buildah', ['rm', '--all'], env);
    if (removed.code === 0) return;
    await unmountBelow(slotDir);
    await rm(slotDir, { recursive: true, force: true });
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

/** Secrets go by the environment, which only this user can read; except names that mean something to buildah itself. */
function secretsByEnvironment(secrets: Readonly<Record<string, string>>): Record<string, string> {
  const taken =
    /^(?:PATH|HOME|TMPDIR|SOURCE_DATE_EPOCH|SSL_CERT_.*|LD_.*|GO.*|DOCKER_.*|BUILDAH_.*|CONTAINERS_.*|REGISTRY_.*|XDG_.*)$/;
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => !taken.test(name)));
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
