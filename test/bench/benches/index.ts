import type { Bench } from '../bench.js';
import { appendBench } from './append.js';
import { buildsBench } from './builds.js';
import { cliBench } from './cli.js';
import { applyBench } from './apply.js';
import { dockerfileBench } from './dockerfile.js';
import { enginesBench } from './engines.js';
import { graphBench } from './graph.js';
import { hooksBench } from './hooks.js';
import { looksBench } from './looks.js';
import { millionBench } from './million.js';
import { noticeBench } from './notice.js';
import { pollingBench } from './polling.js';
import { replayBench } from './replay.js';
import { restBench } from './rest.js';
import { staleBench } from './stale.js';
import { watchedBench } from './watched.js';

/** Every benchmark; a new one is a file and a line here. */
export const benches: readonly Bench[] = [
  appendBench,
  applyBench,
  replayBench,
  pollingBench,
  looksBench,
  hooksBench,
  watchedBench,
  noticeBench,
  restBench,
  millionBench,
  dockerfileBench,
  enginesBench,
  cliBench,
  staleBench,
  buildsBench,
  graphBench,
];
