import { join } from 'node:path';
import { Pool } from 'undici';
import { AggregateStore, Commands, MemoryEventLog, Projector, silentLogger, systemClock } from '#libs/event-log';
import { parseReference, RegistryClient } from '#libs/oci';
import { tempDir } from '#libs/testing';
import { Looker } from '../../../apps/watcher/src/looking/looker.js';
import { Policies } from '../../../apps/watcher/src/policy/policy.js';
import { Poller } from '../../../apps/watcher/src/polling/poller.js';
import { tagDecider } from '../../../apps/watcher/src/tags/tag.decider.js';
import { startRegistry } from '../../support/registry.js';
import { ratioAtLeast, type Bench } from '../bench.js';
import { inTurn, median, spread } from '../lib/stats.js';

const concurrency = 8;
const tags = 100;
const rounds = 5;

export const looksBench: Bench = {
  name: 'looks',
  summary: 'looks per second of the poller at a local registry, beside a bare keep-alive HEAD loop',
  run: async ({ size, say }) => {
    await using folder = await tempDir('bench-looks');
    await using stack = new AsyncDisposableStack();
    const registry = await startRegistry();
    stack.defer(() => registry.close());
    await registry.push('base', 't0', 'bench');
    for (let index = 1; index < tags; index += 1) await registry.retag('base', 't0', `t${index}`);
    const references = Array.from({ length: tags }, (_, index) => `${registry.host}/base:t${index}`);
    const looksPerRound = size(20_000, 200);

    const log = new MemoryEventLog({ clock: systemClock });
    const store = new AggregateStore(tagDecider);
    const projector = new Projector({ log, file: join(folder.path, 'w.sqlite'), projections: [store] });
    await projector.start();
    stack.defer(() => projector.stop());
    let answered = 0;
    let whenDone: (() => void) | undefined;
    let wanted = Infinity;
    const client = new RegistryClient({
      hosts: [{ registry: registry.host, scheme: 'http' }],
      onRequest: ({ method, ms, rateLimit }) => poller?.requested(registry.host, { method, ms, quota: rateLimit }),
    });
    stack.defer(() => client.close());
    const looker = new Looker({
      registries: { client },
      tags: store,
      commands: new Commands({ log, projector }),
      policy: new Policies({
        states: { all: () => [] },
        tags: store,
        watchList: { platformsOf: () => [], sistersOf: () => [], pushesTo: () => false },
        clock: systemClock,
        preset: 'acr',
      }),
      watchList: { pusherOf: () => null, owes: () => false, isUrgent: () => false },
      onLook: () => {
        answered += 1;
        if (answered >= wanted) whenDone?.();
      },
      clock: systemClock,
      logger: silentLogger,
    });
    let poller: Poller | undefined;
    const looks = async (): Promise<number> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      whenDone = resolve;
      wanted = answered + looksPerRound;
      poller = new Poller({
        looker,
        hostOf: (reference) => parseReference(reference).registry,
        settingsOf: () => ({
          pacing: { kind: 'Budget', atLeastMs: 0 },
          limits: { requestsPerSecond: 1_000_000, concurrency },
        }),
        factsOf: () => ({ repository: 'base', dependants: 1, since: Date.now(), moves: [], lastLookAt: null }),
        clock: systemClock,
        logger: silentLogger,
      });
      for (const reference of references) poller.add(reference);
      const began = performance.now();
      poller.start();
      await promise;
      const taken = (performance.now() - began) / 1000;
      poller.stop();
      say(`poller: ${Math.round(looksPerRound / taken)}/s`);
      return looksPerRound / taken;
    };
    const pool = new Pool(`http://${registry.host}`, { connections: concurrency });
    stack.defer(() => pool.close());
    const heads = async (): Promise<number> => {
      const began = performance.now();
      let next = 0;
      const loop = async () => {
        while (next < looksPerRound) {
          const path = `/v2/base/manifests/t${next++ % tags}`;
          const { body } = await pool.request({ method: 'HEAD', path, headers: { accept } });
          await body.dump();
        }
      };
      await Promise.all(Array.from({ length: concurrency }, loop));
      const taken = (performance.now() - began) / 1000;
      say(`bare HEADs: ${Math.round(looksPerRound / taken)}/s`);
      return looksPerRound / taken;
    };
    await looks();
    await heads();
    const { ours, baseline, ratio } = await inTurn(rounds, looks, heads);
    return [
      {
        figure: 'looks, 8 at once',
        unit: 'per second',
        measured: median(ours),
        baseline: median(baseline),
        beside: 'undici with as many keep-alive connections, HEAD of the same manifests',
        ratio,
        goal: ratioAtLeast(ratio, 0.8),
        notes: [
          `${looksPerRound} looks at ${tags} tags per round, CNCF Distribution; ${rounds} rounds in turn`,
          `looks ${spread(ours)}, HEADs ${spread(baseline)} per second`,
        ],
      },
    ];
  },
};

const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json';
