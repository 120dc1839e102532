import { join, resolve } from 'node:path';
import type { Logger } from '#libs/event-log';
import type { BuilderEnvironment } from './config.js';
import { BuildahEngine, DockerBuildxEngine, existingDaemon, ManagedDockerd, type Engine } from './engines/index.js';

/** The engine that the environment asks for. A new engine is a folder in `engines/` and a case here. */
export const chooseEngine = (environment: BuilderEnvironment, dataDir: string, logger: Logger): Engine => {
  const folder = resolve(dataDir);
  switch (environment.PLINTH_ENGINE) {
    case 'buildah':
      return new BuildahEngine({
        dir: join(folder, 'buildah'),
        slots: environment.PLINTH_SLOTS,
        isolation: environment.PLINTH_ISOLATION,
      });
    case 'docker': {
      const host = environment.PLINTH_DOCKER_HOST;
      const daemon = host
        ? existingDaemon(host)
        : new ManagedDockerd({
            dir: join(folder, 'docker'),
            cacheSize: environment.PLINTH_BUILD_CACHE,
            onEvent: (message) => logger.info({}, message),
          });
      return new DockerBuildxEngine({ workDir: join(folder, 'jobs'), daemon });
    }
  }
};
