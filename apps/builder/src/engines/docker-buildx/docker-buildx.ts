/** The Docker engine: `buildx build` with the docker driver, against a daemon with the containerd image store. */
import { join } from 'node:path';
import { cacheSettings, collectOlderThan, removeJobs, runJob, type Job } from '../buildkit/job.js';
import { withoutContainerdStore } from '../buildkit/failures.js';
import type { BuildOutcome, BuildRequest, Engine, EngineCheck, EngineFeature } from '../engine.js';
import { type Limiter, withoutLimits } from '../limits/limits.js';
import { capture } from '../process-group.js';
import { takesAllBut } from '../secret-arguments.js';
import { buildkitFeatures } from '../buildkit/features.js';

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
  /** Of each build; only for a daemon on this machine. */
  readonly limiter?: Limiter | undefined;
}

const takesVariable = takesAllBut('BUILDX_*', 'BUILDKIT_*', 'EXPERIMENTAL_*', 'OTEL_*');

/**
 * Builds with BuildKit inside dockerd. `--output type=oci` works with the docker driver once the daemon stores images in
 * containerd (Docker 23 to 28: `features.containerd-snapshotter`); nothing is left in the daemon but its build cache.
 */
export class DockerBuildxEngine implements Engine {
  readonly name = 'docker-buildx';
  readonly isolation: Engine['isolation'];
  readonly features: ReadonlySet<EngineFeature> = buildkitFeatures;

  constructor(private readonly options: DockerBuildxOptions) {
    this.isolation = options.isolation ?? 'oci';
  }

  async check(): Promise<EngineCheck> {
    const fix = 'Run "npm run tools", or install docker-buildx 0.13 or newer, and set DOCKER_HOST or run as root.';
    const limits = await this.options.limiter?.problem();
    if (limits !== undefined) return { ok: false, problem: limits, fix: withoutLimits };
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
    const { workDir, limiter } = this.options;
    const collect = () => this.#collect();
    return runJob(request, { workDir, limiter, takesVariable, collect }, async (job) => {
      const { dir } = job;
      await this.options.daemon.allow(request.registries);
      const host = await this.options.daemon.host();
      return {
        program: 'docker-buildx',
        install: 'Run "npm run tools", or install docker-buildx.',
        args: this.#arguments(request, job),
        env: {
          ...process.env,
          ...job.secrets.env,
          HOME: dir,
          DOCKER_HOST: host,
          DOCKER_CONFIG: dir,
          // As a plug-in of docker it takes DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; by itself it would speak without TLS.
          DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: 'docker',
          BUILDX_CONFIG: join(dir, 'buildx'),
          BUILDX_BUILDER: 'default',
          BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
          EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: join(dir, 'policy.json'),
          SOURCE_DATE_EPOCH: String(request.sourceDateEpoch),
        },
      };
    });
  }

  async cleanup(): Promise<void> {
    await removeJobs(this.options.workDir);
    await this.options.limiter?.sweep();
  }

  async close(): Promise<void> {
    await this.options.daemon.close();
  }

  async #collect(): Promise<void> {
    await capture('docker', ['builder', 'prune', '--force', `--filter=until=${collectOlderThan}`], {
      ...process.env,
      DOCKER_HOST: await this.options.daemon.host(),
    });
  }

  #arguments(request: BuildRequest, { secrets, cgroup }: Job): string[] {
    const { from, to } = cacheSettings(request);
    return [
      'buildx',
      'build',
      '--progress=rawjson',
      // Both carry times, so that no digest would ever repeat; the builder writes its own provenance.
      '--provenance=false',
      '--sbom=false',
      `--file=${secrets.dockerfile}`,
      // The parts of the layout as files; without rewrite-timestamp, layers keep the moment they were made.
      `--output=type=oci,tar=false,dest=${request.outputDir},rewrite-timestamp=true`,
      ...this.#network(request.network),
      ...(request.target === undefined ? [] : [`--target=${request.target}`]),
      ...(request.platforms.length === 0 ? [] : [`--platform=${request.platforms.join(',')}`]),
      ...(cgroup === undefined ? [] : [`--cgroup-parent=${cgroup}`]),
      ...from.map((settings) => `--cache-from=${settings}`),
      ...to.map((settings) => `--cache-to=${settings}`),
      ...(request.noCache ? ['--no-cache'] : []),
      ...Object.entries(request.buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      // Without a value, it is taken from the environment.
      ...secrets.arguments.flatMap((name) => ['--build-arg', name]),
      ...secrets.secrets.flatMap((settings) => ['--secret', settings]),
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
