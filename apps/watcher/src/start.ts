import { main, runProcess } from '#libs/runtime';
import { loadConfig } from '#libs/service';
import { giveBackMemory } from './small-heap.js';
import { WatcherModule } from './watcher.module.js';

await main(async (onFailure) => {
  const running = await runProcess({
    name: 'watcher',
    config: loadConfig(),
    modules: [WatcherModule],
    provision: true,
    firstStart: false,
    onFailure,
  });
  giveBackMemory();
  return running;
});
