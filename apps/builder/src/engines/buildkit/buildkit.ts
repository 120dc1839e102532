/** The BuildKit engine: `buildctl` against a buildkitd, one of our own or somebody else's. */
import { basename, dirname, join } from 'node:path';
import type { BuildOutcome, BuildRequest, Engine, EngineCheck, EngineFeature } from '../engine.js';
import { type Limiter, withoutLimits } from '../limits/limits.js';
import { capture } from '../process-group.js';
import { cacheSettings, collectOlderThan, removeJobs, runJob, type Job } from './job.js';
import { buildkitFeatures } from './features.js';

/** Where the daemon is: an existing one, or one that Plinth runs (ManagedBuildkitd). */
export interface BuildKitDaemon {
  /** `unix:///…` or `tcp://…`; rejects with EngineError while there is no daemon. */
  host(): Promise<string>;
  /**
   * Does work with a daemon that can pull from these registries, and that is not stopped meanwhile for the sake of
   * others; one that somebody else runs is configured by its owner.
   */
  use<T>(registries: BuildRequest['registries'], work: (host: string) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface BuildKitOptions {
  /** For files of running jobs; made when needed. */
  readonly workDir: string;
  readonly daemon: BuildKitDaemon;
  /** Folder of `ca.pem`, `cert.pem` and `key.pem` for a daemon that wants TLS. */
  readonly tlsDir?: string | undefined;
  readonly isolation?: Engine['isolation'];
  /** Of each build; only for a daemon on this machine. */
  readonly limiter?: Limiter | undefined;
}

const install = 'Run "npm run tools", or install buildctl of BuildKit 0.13 or newer.';

export class BuildKitEngine implements Engine {
  readonly name = 'buildkit';
  readonly isolation: Engine['isolation'];
  readonly features: ReadonlySet<EngineFeature> = buildkitFeatures;

  constructor(private readonly options: BuildKitOptions) {
    this.isolation = options.isolation ?? 'oci';
  }

  async check(): Promise<EngineCheck> {
    const fix =
      'Set PLINTH_BUILDKIT_HOST to a buildkitd of version 0.13 or newer, or put buildkitd on PATH and run as root.';
    const limits = await this.options.limiter?.problem();
    if (limits !== undefined) return { ok: false, problem: limits, fix: withoutLimits };
    try {
      const client = await capture('buildctl', ['--version']);
      if (client.code !== 0) return { ok: false, problem: `buildctl does not work: ${client.stderr}`, fix: install };
      // As a build does, so that it is not restarted for one meanwhile.
      const info = await this.options.daemon.use([], (host) =>
        capture('buildctl', [...this.#address(host), 'debug', 'info']),
      );
      if (info.code !== 0) {
        return { ok: false, problem: `The BuildKit daemon does not answer: ${info.stderr.trim()}`, fix };
      }
      const version = /v?(\d+\.\d+\.\d+\S*)/;
      const daemon = version.exec(info.stdout)?.[1] ?? 'of an unknown version';
      return {
        ok: true,
        version: `buildkitd ${daemon}, buildctl ${version.exec(client.stdout)?.[1] ?? client.stdout}`,
      };
    } catch (error) {
      return { ok: false, problem: (error as Error).message, fix };
    }
  }

  async build(request: BuildRequest): Promise<BuildOutcome> {
    const { workDir, daemon, limiter } = this.options;
    return daemon.use(request.registries, (host) => {
      const collect = () =>
        capture('buildctl', [...this.#address(host), 'prune', `--keep-duration=${collectOlderThan}`]);
      // It knows no way for an argument but its command line.
      const takesVariable = () => false;
      return runJob(request, { workDir, limiter, takesVariable, collect }, async (job) => ({
        program: 'buildctl',
        install,
        args: [...this.#address(host), ...buildArguments(request, job)],
        env: {
          ...process.env,
          ...job.secrets.env,
          HOME: job.dir,
          DOCKER_CONFIG: job.dir,
        },
      }));
    });
  }

  async cleanup(): Promise<void> {
    await removeJobs(this.options.workDir);
    await this.options.limiter?.sweep();
  }

  async close(): Promise<void> {
    await this.options.daemon.close();
  }

  #address(host: string): string[] {
    const { tlsDir } = this.options;
    return [`--addr=${host}`, ...(tlsDir === undefined ? [] : [`--tlsdir=${tlsDir}`])];
  }
}

function buildArguments(request: BuildRequest, { dir, secrets, cgroup }: Job): string[] {
  const options: [string, string][] = [
    ['filename', basename(secrets.dockerfile)],
    // Without it, layers keep the moment they were made.
    ['build-arg:SOURCE_DATE_EPOCH', String(request.sourceDateEpoch)],
    ...Object.entries(request.buildArgs).map(([name, value]): [string, string] => [`build-arg:${name}`, value]),
    ...Object.entries(request.labels ?? {}).map(([name, value]): [string, string] => [`label:${name}`, value]),
  ];
  if (cgroup !== undefined) options.push(['cgroup-parent', cgroup]);
  if (request.target !== undefined) options.push(['target', request.target]);
  if (request.platforms.length > 0) options.push(['platform', request.platforms.join(',')]);
  if (request.network !== 'default') options.push(['force-network-mode', request.network]);
  const { from, to } = cacheSettings(request);
  return [
    'build',
    '--progress=rawjson',
    '--frontend=dockerfile.v0',
    `--local=context=${request.contextDir}`,
    `--local=dockerfile=${dirname(secrets.dockerfile)}`,
    `--source-policy-file=${join(dir, 'policy.json')}`,
    // The parts of the layout as files.
    `--output=type=oci,tar=false,dest=${request.outputDir},rewrite-timestamp=true`,
    ...(request.network === 'host' ? ['--allow=network.host'] : []),
    ...from.map((settings) => `--import-cache=${settings}`),
    ...to.map((settings) => `--export-cache=${settings}`),
    ...(request.noCache ? ['--no-cache'] : []),
    ...options.map(([name, value]) => `--opt=${name}=${value}`),
    ...secrets.secrets.map((settings) => `--secret=${settings}`),
  ];
}
