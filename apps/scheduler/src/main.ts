import { main, runProcess } from '#libs/runtime';
import { loadConfig } from '#libs/service';
import { SchedulerModule } from './scheduler.module.js';

await main((onFailure) =>
  runProcess({
    name: 'scheduler',
    config: loadConfig(),
    modules: [SchedulerModule],
    provision: true,
    firstStart: false,
    onFailure,
  }),
);
