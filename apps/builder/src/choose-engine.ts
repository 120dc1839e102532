import { join, resolve } from 'node:path';
import type { Logger } from '#libs/event-log';
import type { BuilderEnvironment } from './config.js';
import { type EngineLimits, Limiter } from './engines/limits/limits.js';
import {
  BuildahEngine,
  BuildKitEngine,
  DockerBuildxEngine,
  existingBuildkitd,
  existingDaemon,
  ManagedBuildkitd,
  ManagedDockerd,
  type Engine,
} from './engines/index.js';

/**
 * The engine that the environment asks for. A new engine is a folder in `engines/` and a case here.
 * @throws Error for an isolation that the engine cannot give
 */
export const chooseEngine = (environment: BuilderEnvironment, dataDir: string, logger: Logger): Engine => {
  const folder = resolve(dataDir);
  const cacheSize = environment.PLINTH_BUILD_CACHE;
  const onEvent = (message: string) => logger.info({}, message);
  const limiterOf = (dir: string): Limiter => new Limiter(dir, limitsOf(environment), onEvent);
  switch (environment.PLINTH_ENGINE) {
    case 'buildah':
      return new BuildahEngine({
        dir: join(folder, 'buildah'),
        slots: environment.PLINTH_SLOTS,
        isolation: isolationOf(environment, ['oci', 'chroot']),
        trusted: environment.PLINTH_TRUSTED === 'yes',
        limiter: limiterOf(join(folder, 'buildah')),
      });
    case 'docker': {
      const host = environment.PLINTH_DOCKER_HOST;
      const daemon = host
        ? existingDaemon(host)
        : new ManagedDockerd({ dir: join(folder, 'docker'), cacheSize, onEvent });
      const isolation = isolationOf(environment, host ? ['vm', 'userns', 'oci'] : ['oci']);
      const limiter = host ? unlimited(environment) : limiterOf(join(folder, 'docker'));
      return new DockerBuildxEngine({ workDir: join(folder, 'jobs'), daemon, isolation, limiter });
    }
    case 'buildkit': {
      const host = environment.PLINTH_BUILDKIT_HOST;
      const daemon = host
        ? existingBuildkitd(host)
        : new ManagedBuildkitd({ dir: join(folder, 'buildkit'), cacheSize, onEvent });
      const isolation = isolationOf(environment, host ? ['vm', 'userns', 'oci'] : ['oci']);
      const tlsDir = environment.PLINTH_BUILDKIT_TLS;
      const limiter = host ? unlimited(environment) : limiterOf(join(folder, 'buildkit'));
      return new BuildKitEngine({ workDir: join(folder, 'jobs'), daemon, isolation, tlsDir, limiter });
    }
  }
};

const limitsOf = (environment: BuilderEnvironment): EngineLimits => {
  const {
    PLINTH_BUILD_PIDS: pids,
    PLINTH_BUILD_MEMORY: memoryBytes,
    PLINTH_BUILD_CPUS: cpus,
    PLINTH_BUILD_DISK: diskBytes,
  } = environment;
  const isSaid = [pids, memoryBytes, cpus].some((limit) => limit !== undefined);
  return {
    pids: (pids ?? defaultPids) || undefined,
    memoryBytes,
    cpus: cpus || undefined,
    diskBytes,
    where: isSaid ? 'required' : 'possible',
  };
};

/** Enough for every compiler; a build that forks for ever reaches it before the machine feels it. */
const defaultPids = 4096;

/** Control groups and disks of a daemon that somebody else runs are that one's. @throws Error when limits are set */
const unlimited = (environment: BuilderEnvironment): undefined => {
  const limits = ['PLINTH_BUILD_PIDS', 'PLINTH_BUILD_MEMORY', 'PLINTH_BUILD_CPUS', 'PLINTH_BUILD_DISK'] as const;
  const said = limits.filter((name) => environment[name]);
  if (said.length === 0) return undefined;
  throw new Error(
    `${said.join(', ')}: a daemon that somebody else runs is limited by whoever runs it. Take the limit out, or let the builder run its own daemon.`,
  );
};

/** Isolation is shown on every run: it is never one that the engine does not give. */
const isolationOf = <I extends Engine['isolation']>(
  { PLINTH_ISOLATION: wanted, PLINTH_ENGINE: engine }: BuilderEnvironment,
  possible: readonly I[],
): I => {
  const found = possible.find((one) => one === wanted);
  if (found !== undefined) return found;
  throw new Error(
    `PLINTH_ISOLATION=${wanted} is not what the engine ${engine} gives here: expected ${possible.join(' or ')}.`,
  );
};
