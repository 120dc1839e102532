import { main, runProcess } from '#libs/runtime';
import { loadConfig } from '#libs/service';
import { WatcherModule } from './watcher.module.js';

await main((onFailure) =>
  runProcess({
    name: 'watcher',
    config: loadConfig(),
    modules: [WatcherModule],
    provision: true,
    firstStart: false,
    onFailure,
  }),
);
