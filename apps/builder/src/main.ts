import { main, runProcess } from '#libs/runtime';
import { loadConfig } from '#libs/service';
import { BuilderModule } from './builder.module.js';

await main((onFailure) =>
  runProcess({
    name: 'builder',
    config: loadConfig(),
    modules: [BuilderModule],
    provision: true,
    firstStart: false,
    onFailure,
  }),
);
