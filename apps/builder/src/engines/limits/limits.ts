/** The limits of an engine's builds, put around each of them. */
import { mkdir } from 'node:fs/promises';
import { type BuildOutcome, type BuildRequest, EngineError } from '../engine.js';
import { type BuildGroup, type BuildLimits, Cgroups, ownerOf } from './cgroups.js';
import { DiskGuard, isDiskUse } from './disk-guard.js';

export interface EngineLimits extends BuildLimits {
  /** Bytes of disk that a build may take. */
  readonly diskBytes?: number | undefined;
  /** `possible`: where no control groups can be made, builds run without them, which is said once. */
  readonly where?: 'required' | 'possible';
}

/** A build with its signal, and with the control group for its steps where there are limits that need one. */
export type LimitedBuild = (request: BuildRequest, cgroup: string | undefined) => Promise<BuildOutcome>;

/** What to do where limits cannot be kept. */
export const withoutLimits =
  'Run the builder where it may make control groups, or set PLINTH_BUILD_PIDS, PLINTH_BUILD_MEMORY and PLINTH_BUILD_CPUS to 0.';

export class Limiter {
  readonly #disk: DiskGuard | undefined;
  #groups: Promise<Cgroups | undefined> | undefined;

  /** @param folder where the engine keeps what builds write */
  constructor(
    private readonly folder: string,
    private readonly limits: EngineLimits,
    private readonly onEvent: (message: string) => void = () => undefined,
  ) {
    const { diskBytes } = limits;
    this.#disk = diskBytes === undefined ? undefined : new DiskGuard(folder, diskBytes);
  }

  /** Why the limits cannot be kept here, in words; undefined when they can. */
  async problem(): Promise<string | undefined> {
    try {
      await this.#cgroups();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Removes what a killed process left, with the processes in it. */
  async sweep(): Promise<void> {
    await (await this.#cgroups())?.sweep();
  }

  /** @throws EngineError DISK_FULL when builds together took too much, and nobody knows which; what the build throws */
  async run(request: BuildRequest, build: LimitedBuild): Promise<BuildOutcome> {
    const groups = await this.#cgroups().catch((error: Error) => {
      throw new EngineError('ENGINE_UNAVAILABLE', error.message, { cause: error });
    });
    const group = await groups?.create();
    try {
      const outcome = await this.#withinDisk(request, (within) => build(within, group?.path));
      return outcome.kind === 'failed' ? await explained(outcome, group) : outcome;
    } finally {
      // Whatever is left of a build that was ended goes with its group.
      await group?.end();
    }
  }

  async #withinDisk(
    request: BuildRequest,
    build: (request: BuildRequest) => Promise<BuildOutcome>,
  ): Promise<BuildOutcome> {
    if (!this.#disk) return build(request);
    await mkdir(this.folder, { recursive: true });
    const result = await this.#disk.watch(request.signal, (signal) => build({ ...request, signal }));
    if (!isDiskUse(result)) return result;
    const limit = `${megabytes(this.limits.diskBytes ?? 0)} of disk that a build may take`;
    if (result.isAlone) {
      const reason = `The build was ended: it took ${megabytes(result.bytes)}, more than the ${limit}.`;
      return { kind: 'failed', code: 'STEP_FAILED', reason };
    }
    const message = `The builds that ran together took ${megabytes(result.bytes)}, more than the ${limit}.`;
    throw new EngineError('DISK_FULL', message);
  }

  #cgroups(): Promise<Cgroups | undefined> {
    const { pids, memoryBytes, cpus } = this.limits;
    if (pids === undefined && memoryBytes === undefined && cpus === undefined) return Promise.resolve(undefined);
    this.#groups ??= this.#open({ pids, memoryBytes, cpus });
    return this.#groups;
  }

  async #open(limits: BuildLimits): Promise<Cgroups | undefined> {
    try {
      return await Cgroups.open(limits, ownerOf(this.folder));
    } catch (error) {
      if (this.limits.where !== 'possible') {
        // Looked at again: it may be made possible while this runs.
        this.#groups = undefined;
        throw error;
      }
      this.onEvent(`Builds run without a limit on processes. ${(error as Error).message}`);
      return undefined;
    }
  }
}

const explained = async (
  outcome: Extract<BuildOutcome, { kind: 'failed' }>,
  group: BuildGroup | undefined,
): Promise<BuildOutcome> => ({ ...outcome, reason: [outcome.reason, ...((await group?.reached()) ?? [])].join(' ') });

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MB`;
