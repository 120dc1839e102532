/** The Docker engine: `buildx build` with the docker driver, against a daemon with the containerd image store. */
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { BuildOutcome, BuildRequest, Engine, EngineCheck, EngineFeature } from '../engine.js';
import { EngineError } from '../engine.js';
import { dockerConfig } from '../docker-config.js';
import { finishLayout } from '../layout.js';
import { capture, runGroup } from '../process-group.js';
import { redactor } from '../redact.js';
import { diagnose, withoutContainerdStore } from './failures.js';
import { RawJsonReader } from './raw-json.js';
import { sourcePolicy } from './source-policy.js';

/** Where the daemon is: an existing one, or one that Plinth runs (ManagedDockerd). */
export interface DockerDaemon {
  /** `unix:///…` or `tcp://…`; rejects with EngineError while there is no daemon. */
  host(): Promise<string>;
  /** Makes the daemon able to pull from these; an existing daemon is configured by its owner. */
  allow(registries: BuildRequest['registries']): Promise<void>;
  /** What `network: default` means: a daemon without a bridge has only the host's network. */
  readonly defaultNetwork: 'bridge' | 'host';
  close(): Promise<void>;
}

export interface DockerBuildxOptions {
  /** For files of running jobs; made when needed. */
  readonly workDir: string;
  readonly daemon: DockerDaemon;
  readonly isolation?: Engine['isolation'];
}

const jobPrefix = 'job-';

/**
 * Builds with BuildKit inside dockerd. `--output type=oci` works with the docker driver once the daemon stores images in
 * containerd (Docker 23 to 28: `features.containerd-snapshotter`); nothing is left in the daemon but its build cache.
 */
export class DockerBuildxEngine implements Engine {
  readonly name = 'docker-buildx';
  readonly isolation: Engine['isolation'];
  readonly features: ReadonlySet<EngineFeature> = new Set<EngineFeature>([
    'heredoc',
    'copy-link',
    'add-checksum',
    'multi-platform',
  ]);

  constructor(private readonly options: DockerBuildxOptions) {
    this.isolation = options.isolation ?? 'oci';
  }

  async check(): Promise<EngineCheck> {
    const fix = 'Run "npm run tools", or install docker-buildx 0.13 or newer, and set DOCKER_HOST or run as root.';
    try {
      const client = await capture('docker-buildx', ['version']);
      if (client.code !== 0) return { ok: false, problem: `docker-buildx does not work: ${client.stderr}`, fix };
      const daemon = await capture('docker', ['info', '--format', '{{.ServerVersion}} {{.DriverStatus}}'], {
        ...process.env,
        DOCKER_HOST: await this.options.daemon.host(),
      });
      // Of a daemon that refuses, docker knows no version, and calls that a success.
      if (daemon.code !== 0 || /^\s/.test(daemon.stdout)) {
        return { ok: false, problem: `The Docker daemon does not answer: ${daemon.stderr.trim()}`, fix };
      }
      if (!daemon.stdout.includes('io.containerd.snapshotter')) {
        return { ok: false, problem: withoutContainerdStore, fix: 'Or leave DOCKER_HOST unset, and run as root.' };
      }
      const docker = daemon.stdout.split(' ')[0];
      const buildx = /v?(\d+\.\d+\.\d+)/.exec(client.stdout)?.[1] ?? client.stdout;
      return { ok: true, version: `docker ${docker}, buildx ${buildx}` };
    } catch (error) {
      return { ok: false, problem: (error as Error).message, fix };
    }
  }

  async build(request: BuildRequest): Promise<BuildOutcome> {
    if (request.signal.aborted) return { kind: 'canceled' };
    const redact = redactor(request.secretArgs);
    const dockerfile = isAbsolute(request.dockerfile)
      ? request.dockerfile
      : join(request.contextDir, request.dockerfile);
    if (!(await exists(dockerfile))) {
      const reason = `The Dockerfile ${request.dockerfile} is not in the context.`;
      return { kind: 'failed', code: 'DOCKERFILE_NOT_FOUND', reason };
    }
    await this.options.daemon.allow(request.registries);
    const host = await this.options.daemon.host();
    await mkdir(this.options.workDir, { recursive: true });
    const job = await mkdtemp(join(this.options.workDir, jobPrefix));
    try {
      await writeFile(join(job, 'config.json'), dockerConfig(request.registries), { mode: 0o600 });
      await writeFile(join(job, 'policy.json'), JSON.stringify(sourcePolicy(request.pins, request.registries)));
      return await this.#run(request, { job, host, dockerfile, redact });
    } finally {
      await rm(job, { recursive: true, force: true });
    }
  }

  async cleanup(): Promise<void> {
    if (!(await exists(this.options.workDir))) return;
    for (const name of await readdir(this.options.workDir)) {
      if (name.startsWith(jobPrefix)) await rm(join(this.options.workDir, name), { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await this.options.daemon.close();
  }

  async #run(
    request: BuildRequest,
    {
      job,
      host,
      dockerfile,
      redact,
    }: { job: string; host: string; dockerfile: string; redact: (text: string) => string },
  ): Promise<BuildOutcome> {
    const words: string[] = [];
    const reader = new RawJsonReader({
      onLog: (line) =>
        request.onLog({
          ...line,
          text: redact(line.text),
          ...(line.step === undefined ? {} : { step: redact(line.step) }),
        }),
      onProgress: (progress) => request.onProgress?.({ ...progress, name: redact(progress.name) }),
      onOther: (line) => words.push(redact(line)),
    });
    const end = await start('docker-buildx', this.#arguments(request, dockerfile), {
      cwd: request.contextDir,
      env: {
        ...process.env,
        ...secretsByEnvironment(request.secretArgs),
        HOME: job,
        DOCKER_HOST: host,
        DOCKER_CONFIG: job,
        // As a plug-in of docker it takes DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; by itself it would speak without TLS.
        DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: 'docker',
        BUILDX_CONFIG: join(job, 'buildx'),
        BUILDX_BUILDER: 'default',
        BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
        EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: join(job, 'policy.json'),
        SOURCE_DATE_EPOCH: String(request.sourceDateEpoch),
      },
      signal: request.signal,
      timeoutMs: request.timeoutMs,
      onStdout: (line) => reader.line(line),
      onStderr: (line) => reader.line(line),
    });
    reader.end();
    if (end.ended !== 'exit') return { kind: end.ended };
    if (end.code === 0) return finishLayout(request.outputDir, { annotations: request.annotations ?? {}, redact });
    const found = diagnose(words.join('\n'));
    if (found.kind === 'ours') throw new EngineError(found.code, redact(found.reason));
    for (const text of words) if (text !== '') request.onLog({ stream: 'stderr', text });
    return { kind: 'failed', code: found.code, reason: redact(found.reason) };
  }

  #arguments(request: BuildRequest, dockerfile: string): string[] {
    const secretNames = Object.keys(secretsByEnvironment(request.secretArgs));
    const shown = Object.entries({ ...request.secretArgs, ...request.buildArgs }).filter(
      ([name]) => !secretNames.includes(name),
    );
    return [
      'buildx',
      'build',
      '--progress=rawjson',
      // Both carry times, so that no digest would ever repeat; the builder writes its own provenance.
      '--provenance=false',
      '--sbom=false',
      `--file=${dockerfile}`,
      // The parts of the layout as files; without rewrite-timestamp, layers keep the moment they were made.
      `--output=type=oci,tar=false,dest=${request.outputDir},rewrite-timestamp=true`,
      ...this.#network(request.network),
      ...(request.target === undefined ? [] : [`--target=${request.target}`]),
      ...(request.platforms.length === 0 ? [] : [`--platform=${request.platforms.join(',')}`]),
      ...(request.noCache ? ['--no-cache'] : []),
      ...shown.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      // Without a value, it is taken from the environment.
      ...secretNames.flatMap((name) => ['--build-arg', name, '--secret', `id=${name},env=${name}`]),
      ...Object.entries(request.labels ?? {}).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
      request.contextDir,
    ];
  }

  #network(network: BuildRequest['network']): string[] {
    const wanted = network === 'default' && this.options.daemon.defaultNetwork === 'host' ? 'host' : network;
    if (wanted === 'default') return [];
    // BuildKit lets a build have the host's network only when the client says so twice.
    return wanted === 'host' ? ['--network=host', '--allow=network.host'] : ['--network=none'];
  }
}

/**
 * Secrets go by the environment, which only this user can read, not by arguments, which everybody can; except those
 * whose names mean something to the client itself.
 */
function secretsByEnvironment(secrets: Readonly<Record<string, string>>): Record<string, string> {
  const taken =
    /^(?:PATH|HOME|TMPDIR|SOURCE_DATE_EPOCH|SSL_CERT_.*|LD_.*|GO.*|DOCKER_.*|BUILDX_.*|BUILDKIT_.*|EXPERIMENTAL_.*)$/;
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => !taken.test(name)));
}

const start: typeof runGroup = async (command, args, options) => {
  try {
    return await runGroup(command, args, options);
  } catch (error) {
    const message = `${command} cannot be started: ${(error as Error).message}. Run "npm run tools", or install docker-buildx.`;
    throw new EngineError('ENGINE_UNAVAILABLE', message, { cause: error });
  }
};

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
