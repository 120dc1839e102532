import { setTimeout as delay } from 'node:timers/promises';
import { tempDir } from '#libs/testing';
import { below, type Bench, type Figure } from '../bench.js';
import { startBareProcesses } from '../lib/bare-processes.js';
import { childrenOf, rssMb } from '../lib/memory.js';
import { startStandalone } from '../lib/standalone.js';
import { median, spread } from '../lib/stats.js';

interface Sample {
  readonly readyMs: number;
  readonly readyCpuSeconds?: number;
  readonly nodeMb: number;
  readonly natsMb: number;
  /** What else runs below it, with its memory. */
  readonly others: readonly string[];
}

export const restBench: Bench = {
  name: 'rest',
  summary: 'memory and start of a standalone Plinth with nothing to do, beside an empty Node and an empty nats-server',
  run: async ({ scale, size, say }) => {
    const rounds = Math.min(5, size(500));
    /** After so long nothing is being started any more. */
    const settleMs = scale === 1 ? 10_000 : 1_000;
    const ours: Sample[] = [];
    const bare: Sample[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await standalone(settleMs));
      bare.push(await empty(settleMs));
      const { readyMs, nodeMb, natsMb, others } = ours.at(-1)!;
      say(
        `ready after ${readyMs.toFixed(0)} ms; node ${nodeMb.toFixed(0)} MB, nats-server ${natsMb.toFixed(0)} MB; ${others.join(', ')}`,
      );
    }
    return figuresOf(ours, bare, settleMs);
  },
};

const standalone = async (settleMs: number): Promise<Sample> => {
  await using folder = await tempDir('bench-rest');
  await using plinth = await startStandalone({ dataDir: folder.path });
  await delay(settleMs);
  const children = childrenOf(plinth.pid);
  const nats = children.find(({ command }) => command === 'nats-server');
  if (!nats) throw new Error('The standalone Plinth has no nats-server below it.');
  const others = children
    .filter((one) => one !== nats)
    .map(({ pid, command }) => `${command} ${rssMb(pid).toFixed(0)} MB`);
  return {
    readyMs: plinth.readyMs,
    readyCpuSeconds: plinth.readyCpuSeconds,
    nodeMb: rssMb(plinth.pid),
    natsMb: rssMb(nats.pid),
    others,
  };
};

const empty = async (settleMs: number): Promise<Sample> => {
  await using bare = await startBareProcesses();
  await delay(settleMs);
  return { readyMs: bare.readyMs, nodeMb: bare.nodeMb(), natsMb: bare.natsMb(), others: [] };
};

const figuresOf = (ours: readonly Sample[], bare: readonly Sample[], settleMs: number): Figure[] => {
  const both = ({ nodeMb, natsMb }: Sample) => nodeMb + natsMb;
  const beside = 'a Node that answers HTTP and a nats-server, both empty, one started after the other';
  const memory = { measured: median(ours.map(both)), baseline: median(bare.map(both)) };
  const ready = {
    measured: median(ours.map(({ readyMs }) => readyMs)) / 1000,
    baseline: median(bare.map(({ readyMs }) => readyMs)) / 1000,
  };
  const readySeconds = ours.map(({ readyMs }) => readyMs / 1000);
  const readyCpu = ours.flatMap(({ readyCpuSeconds }) => readyCpuSeconds ?? []);
  const others = ours[0]?.others ?? [];
  return [
    {
      figure: 'memory at rest, node and nats-server',
      unit: 'MB',
      ...memory,
      beside,
      ratio: memory.measured / memory.baseline,
      goal: below(memory.measured, 250, 'MB'),
      notes: [
        `median of ${ours.length}, ${settleMs / 1000} s after it was ready, on an empty disk`,
        `node ${spread(ours.map(({ nodeMb }) => nodeMb))} MB, nats-server ${spread(ours.map(({ natsMb }) => natsMb))} MB`,
        ...(others.length > 0 ? [`not counted, the engine: ${others.join(', ')}`] : []),
      ],
    },
    {
      figure: 'from spawn until ready',
      unit: 's',
      ...ready,
      beside,
      ratio: ready.measured / ready.baseline,
      goal: below(ready.measured, 3, 's'),
      notes: [
        `median of ${ours.length} first starts: ${spread(readySeconds, 2)} s`,
        `processor time of node by then: ${spread(readyCpu, 2)} s`,
      ],
    },
  ];
};
