import { join, resolve } from 'node:path';
import { BuilderModule } from '../../builder/src/builder.module.js';
import { GraphModule } from '../../graph/src/graph.module.js';
import { SchedulerModule } from '../../scheduler/src/scheduler.module.js';
import { WatcherModule } from '../../watcher/src/watcher.module.js';
import { embeddedLimits, DataLock, refuseUnfinishedRestore, SupervisedNats } from '#libs/embedded';
import { systemClock } from '#libs/event-log';
import { runProcess, type RunningProcess } from '#libs/runtime';
import { createLogger, Redactor, type Config } from '#libs/service';

export interface RunningStandalone extends RunningProcess {
  readonly nats: SupervisedNats;
}

/** All four services in one application, with a nats-server of its own. */
export const startStandalone = async (
  config: Config,
  onFailure: (error: Error) => void,
): Promise<RunningStandalone> => {
  const folder = resolve(config.PLINTH_DATA);
  const lock = await DataLock.take(folder);
  const logger = createLogger({ name: 'standalone', level: config.PLINTH_LOG_LEVEL, redactor: new Redactor() });
  let nats: SupervisedNats | undefined;
  try {
    await refuseUnfinishedRestore(folder);
    nats = await SupervisedNats.start({ folder: join(folder, 'nats'), clock: systemClock, logger });
    const { url, user, password } = nats.access;
    const running = await runProcess({
      name: 'standalone',
      config: {
        ...config,
        PLINTH_DATA: folder,
        PLINTH_NATS_URL: url,
        PLINTH_NATS_USER: user,
        PLINTH_NATS_PASSWORD: password,
      },
      modules: [WatcherModule, GraphModule, SchedulerModule, BuilderModule],
      provision: true,
      limits: embeddedLimits(nats.maxFileStore),
      firstStart: true,
      onFailure,
    });
    const supervised = nats;
    return {
      ...running,
      nats: supervised,
      close: async () => {
        try {
          await running.close();
        } finally {
          // Whatever went wrong before: a server that is left alone would hold the store.
          await supervised.stop();
          await lock.release();
        }
      },
    };
  } catch (error) {
    await nats?.stop();
    await lock.release();
    throw error;
  }
};
