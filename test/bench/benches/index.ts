import type { Bench } from '../bench.js';
import { appendBench } from './append.js';
import { replayBench } from './replay.js';

/** Every benchmark; a new one is a file and a line here. */
export const benches: readonly Bench[] = [appendBench, replayBench];
