import { setTimeout as delay } from 'node:timers/promises';
import type { Snapshot } from '#libs/contracts';
import { tempDir } from '#libs/testing';
import { Services } from '../../support/services.js';
import { below, type Bench, type BenchContext, type Figure, type Goal } from '../bench.js';
import { digestOf } from '../history/world.js';
import { startBareServer } from '../lib/bare-server.js';
import { fillLog, startFillServer } from '../lib/fill.js';
import { rssMb } from '../lib/memory.js';
import { watchedTags } from '../lib/watched-tags.js';

const budget = 500;
const settledMs = 10_000;
const mediaType = 'application/vnd.oci.image.index.v1+json';
const adopted: Snapshot = {
  digest: digestOf('what every tag shows'),
  mediaType,
  platforms: { 'linux/amd64': digestOf('linux/amd64 of it') },
};

export const watchedBench: Bench = {
  name: 'watched',
  summary:
    'the watcher with ten and a hundred thousand tags: its memory beside an idle one, and how long a cycle takes',
  run: async (context) => {
    const idle = await watcherWith(context, 0);
    const some = await watcherWith(context, context.size(10_000));
    const many = await watcherWith(context, context.size(100_000));
    return [...figuresOf(some, idle), ...figuresOf(many, idle)];
  },
};

interface Seen {
  readonly tags: number;
  readonly restMb: number;
  readonly busyMb: number;
  /** From the first look until as many were made as there are tags, in seconds. */
  readonly cycleSeconds: number;
  /** Tags that were looked at meanwhile. */
  readonly distinct: number;
  readonly lagP99Ms: number;
}

/** One watcher alone, whose log holds so many tags that are adopted at what the registry shows. */
const watcherWith = async ({ say }: BenchContext, tags: number): Promise<Seen> => {
  await using registry = await countingRegistry(tags);
  await using folder = await tempDir('bench-watched');
  {
    await using filling = await startFillServer(folder.path);
    const settings = { host: registry.host, poll: { requestsPerSecond: budget, concurrency: 16 } };
    const nameOf = (tag: number): string => `base-${Math.floor(tag / 10)}:v${tag % 10}`;
    await fillLog(filling.url, watchedTags({ registry: settings, tags, nameOf, adopted }));
  }
  const env = { PLINTH_VALIDATE_RESPONSES: 'false', PLINTH_LOG_LEVEL: 'error' };
  const services = await Services.start({ only: ['watcher'], nats: { storeDir: folder.path }, env, readyMs: 300_000 });
  try {
    const { pid, url } = services.processes.watcher;
    await delay(settledMs);
    const restMb = rssMb(pid);
    const cycleSeconds = tags === 0 ? 0 : await registry.cycle;
    const lagP99Ms = await eventLoopLag(url, services.token);
    const seen = { tags, restMb, busyMb: rssMb(pid), cycleSeconds, distinct: registry.distinct, lagP99Ms };
    say(`${tags} tags: ${JSON.stringify(seen)}`);
    return seen;
  } finally {
    await services.stop();
  }
};

interface CountingRegistry extends AsyncDisposable {
  readonly host: string;
  /** Seconds from the first look until as many were made as there are tags. */
  readonly cycle: Promise<number>;
  readonly distinct: number;
}

/** A registry that shows the same digest behind every tag, and counts who asks for which. */
const countingRegistry = async (tags: number): Promise<CountingRegistry> => {
  const seen = new Set<string>();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let [looks, began, distinct] = [0, 0, 0];
  const server = await startBareServer((request, reply) => {
    if (request.method !== 'HEAD') reject(new Error(`a look asked ${request.method} ${request.url}`));
    if (looks++ === 0) began = performance.now();
    seen.add(request.url ?? '');
    if (looks === tags) {
      distinct = seen.size;
      resolve((performance.now() - began) / 1000);
    }
    // What leaves out one of them is asked by GET.
    const manifest = { 'docker-content-digest': adopted.digest, 'content-type': mediaType, 'content-length': 1024 };
    reply.writeHead(200, manifest).end();
  });
  promise.catch(() => undefined);
  return {
    host: server.host,
    cycle: promise,
    get distinct() {
      return distinct;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

/** As the process itself measures it, since it was asked last. */
const eventLoopLag = async (url: string, token: string): Promise<number> => {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const [, value] = /^\w*nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? (\S+)$/m.exec(await answer.text()) ?? [];
  return Number(value) * 1000;
};

const figuresOf = (seen: Seen, idle: Seen): Figure[] => {
  const { tags, restMb, busyMb, cycleSeconds, distinct, lagP99Ms } = seen;
  const expected = tags / budget;
  const above = Math.max(restMb, busyMb) - idle.restMb;
  const off = Math.abs(cycleSeconds / expected - 1);
  const inTime: Goal = { text: 'within 5 % of N / budget', met: off <= 0.05 };
  return [
    {
      figure: `memory of a watcher with ${tags} tags`,
      unit: 'MB',
      measured: Math.max(restMb, busyMb),
      baseline: idle.restMb,
      beside: 'a watcher that watches nothing',
      ratio: Math.max(restMb, busyMb) / idle.restMb,
      goal: tags <= 10_000 ? below(above, 60, 'MB above it') : null,
      notes: [`${restMb.toFixed(0)} MB when it had started, ${busyMb.toFixed(0)} MB after a cycle`],
    },
    {
      figure: `a cycle of looks at ${tags} tags`,
      unit: 's',
      measured: cycleSeconds,
      baseline: expected,
      beside: `N / budget, ${budget} looks a second`,
      ratio: cycleSeconds / expected,
      goal: inTime,
      notes: [
        `${distinct} of them looked at once or more in that time`,
        `delay of the event loop, p99: ${lagP99Ms.toFixed(1)} ms (goal below 50)`,
      ],
    },
  ];
};
