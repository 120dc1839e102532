import { main, runProcess } from '#libs/runtime';
import { loadConfig } from '#libs/service';
import { GraphModule } from './graph.module.js';

await main((onFailure) =>
  runProcess({
    name: 'graph',
    config: loadConfig(),
    modules: [GraphModule],
    provision: true,
    firstStart: false,
    onFailure,
  }),
);
