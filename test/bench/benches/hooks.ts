import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Client } from '#libs/client';
import { tempDir } from '#libs/testing';
import { startRegistry, type JourneyRegistry } from '../../support/registry.js';
import { Services } from '../../support/services.js';
import { below, type Bench, type Figure } from '../bench.js';
import { startBareServer } from '../lib/bare-server.js';
import { fillLog, startFillServer } from '../lib/fill.js';
import { rssMb } from '../lib/memory.js';
import { percentile } from '../lib/stats.js';
import { watchedTags } from '../lib/watched-tags.js';

const perSecond = 2_000;
/** One in so many is genuine, and each of those is about another tag. */
const oneIn = 100;
const secret = 'the secret of the benchmark';
const secretVariable = 'PLINTH_SECRET_BENCH_HOOKS';

export const hooksBench: Bench = {
  name: 'hooks',
  summary: 'a burst of notifications of which one in a hundred is genuine, beside a bare server that reads and answers',
  run: async ({ size, say }) => {
    const seconds = size(30, 1);
    const tags = (seconds * perSecond) / oneIn;
    const registry = await startRegistry();
    await using folder = await tempDir('bench-hooks');
    try {
      await registry.push('base', 't0', 'the same behind every tag');
      for (let tag = 1; tag < tags; tag++) await registry.retag('base', 't0', `t${tag}`);
      {
        await using filling = await startFillServer(folder.path);
        const settings = {
          host: registry.host,
          notifications: { dialect: 'distribution', secret: `env:${secretVariable}` },
          poll: { intervalSeconds: 86_400 },
        } as const;
        await fillLog(filling.url, watchedTags({ registry: settings, tags, nameOf: (tag) => `base:t${tag}` }));
      }
      const env = { [secretVariable]: secret, PLINTH_VALIDATE_RESPONSES: 'false', PLINTH_LOG_LEVEL: 'error' };
      const services = await Services.start({ only: ['watcher'], nats: { storeDir: folder.path }, env });
      try {
        await allAdopted(services.client('watcher'), tags);
        const { pid, url } = services.processes.watcher;
        const looksBefore = looksOf(registry);
        const memory = [rssMb(pid)];
        const watching = setInterval(() => memory.push(rssMb(pid)), 1000);
        const target = `/v1/hooks/distribution/${registry.host}`;
        const ours = await burst(url, target, seconds * perSecond, say);
        clearInterval(watching);
        const missing = await untilLookedAt(registry, looksBefore, tags);
        await using bare = await startBareServer((request, reply) => {
          request.resume().on('end', () => reply.writeHead(request.headers.authorization === secret ? 202 : 401).end());
        });
        const baseline = await burst(bare.url, target, seconds * perSecond, say);
        return [figureOf({ ours, baseline, memory, tags, missing, seconds })];
      } finally {
        await services.stop();
      }
    } finally {
      await registry.close();
    }
  },
};

interface Burst {
  /** Milliseconds from the moment at which a request was due until its answer, in order of the answers. */
  readonly ms: number[];
  readonly answers: ReadonlyMap<number, number>;
}

/** Sends what is due every few milliseconds, whether earlier ones are answered or not: a sender does not wait for another. */
const burst = async (url: string, path: string, count: number, say: (line: string) => void): Promise<Burst> => {
  const pool = new Pool(url, { connections: 256 });
  const ms: number[] = [];
  const answers = new Map<number, number>();
  const send = async (index: number, due: number): Promise<void> => {
    const genuine = index % oneIn === 0;
    const tag = `t${index / oneIn}`;
    const body = JSON.stringify({
      events: [
        {
          id: `e${index}`,
          action: 'push',
          target: { repository: 'base', tag: genuine ? tag : `x${index}`, digest: `sha256:${'0'.repeat(64)}` },
        },
      ],
    });
    const headers = { 'content-type': 'application/json', authorization: genuine ? secret : `a guess, ${index}` };
    const answer = await pool.request({ path, method: 'POST', headers, body });
    await answer.body.dump();
    ms.push(performance.now() - due);
    answers.set(answer.statusCode, (answers.get(answer.statusCode) ?? 0) + 1);
  };
  const sent: Promise<void>[] = [];
  const began = performance.now();
  while (sent.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * perSecond));
    while (sent.length < due) sent.push(send(sent.length, began + (sent.length / perSecond) * 1000));
    await delay(2);
  }
  await Promise.all(sent);
  await pool.close();
  const took = (performance.now() - began) / 1000;
  say(
    `${count} requests in ${took.toFixed(1)} s; p99 ${percentile(ms, 0.99).toFixed(0)} ms; ${[...answers].join(' ')}`,
  );
  return { ms, answers };
};

const allAdopted = async (client: Client, tags: number): Promise<void> => {
  for (let known = 0; known < tags; await delay(200)) {
    known = 0;
    for (let pageToken = ''; ;) {
      const page = await client.listImages({ pageSize: 1000, pageToken });
      known += page.images.filter(({ adopted }) => adopted !== null).length;
      if (page.nextPageToken === '') break;
      pageToken = page.nextPageToken;
    }
  }
};

/** How often the registry was asked about each tag, by its own journal. */
const looksOf = (registry: JourneyRegistry): Map<string, number> => {
  const looks = new Map<string, number>();
  for (const [, tag] of registry.journal().matchAll(/"HEAD \/v2\/base\/manifests\/(t\d+) /g)) {
    looks.set(tag!, (looks.get(tag!) ?? 0) + 1);
  }
  return looks;
};

/** Tags that a genuine notification named and nobody looked at, ten seconds after the last one at the latest. */
const untilLookedAt = async (
  registry: JourneyRegistry,
  before: ReadonlyMap<string, number>,
  tags: number,
): Promise<number> => {
  for (let tries = 0; ; tries++) {
    const now = looksOf(registry);
    let missing = 0;
    for (let tag = 0; tag < tags; tag++) {
      if ((now.get(`t${tag}`) ?? 0) <= (before.get(`t${tag}`) ?? 0)) missing += 1;
    }
    if (missing === 0 || tries === 100) return missing;
    await delay(100);
  }
};

interface Seen {
  readonly ours: Burst;
  readonly baseline: Burst;
  readonly memory: readonly number[];
  readonly tags: number;
  readonly missing: number;
  readonly seconds: number;
}

const figureOf = ({ ours, baseline, memory, tags, missing, seconds }: Seen): Figure => {
  const measured = percentile(ours.ms, 0.99);
  const bare = percentile(baseline.ms, 0.99);
  const [first = 0] = memory;
  return {
    figure: `burst of ${perSecond} notifications a second, p99 of the answers`,
    unit: 'ms',
    measured,
    baseline: bare,
    beside: 'a bare node:http server that reads the body and answers by the same header',
    ratio: measured / bare,
    goal: below(measured, 250, 'ms'),
    notes: [
      `${seconds * perSecond} in ${seconds} s, 1 in ${oneIn} genuine; answers ${[...ours.answers].map(([status, count]) => `${status}: ${count}`).join(', ')}`,
      `p50 ${percentile(ours.ms, 0.5).toFixed(1)} ms beside ${percentile(baseline.ms, 0.5).toFixed(1)} ms; largest ${Math.max(...ours.ms).toFixed(0)} ms`,
      `${tags - missing} of ${tags} genuine ones were looked at, by the registry's own journal`,
      `memory of the watcher: ${first.toFixed(0)} MB before, ${Math.max(...memory).toFixed(0)} MB at most, ${memory.at(-1)!.toFixed(0)} MB at the end`,
    ],
  };
};
