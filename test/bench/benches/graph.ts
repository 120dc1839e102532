import { join } from 'node:path';
import { Jet } from '#libs/event-log';
import { tempDir } from '#libs/testing';
import { Services } from '../../support/services.js';
import { below, ratioAtLeast, type Bench, type Figure } from '../bench.js';
import { Estate } from '../graph/estate.js';
import { bareChanges, edgeChanges, readRows } from '../graph/edge-changes.js';
import { fillLog, startFillServer } from '../lib/fill.js';
import { cpuSeconds, rssMb } from '../lib/memory.js';
import { median, percentile, seconds } from '../lib/stats.js';

export const graphBench: Bench = {
  name: 'graph',
  summary: 'a million images with five million edges: start, memory, an affected set, a change of one edge, a wave',
  run: async ({ size, say }) => {
    const estate = new Estate(size(1_000_000, 1200));
    say(estate.shape);
    await using folder = await tempDir('bench-graph');
    let events = 0;
    {
      await using filling = await startFillServer(folder.path);
      const taken = await seconds(async () => (events = await fillLog(filling.url, estate)));
      say(`${events} events are in the log (${Math.round(events / taken)}/s)`);
    }
    const env = { PLINTH_VALIDATE_RESPONSES: 'false' };
    const services = await Services.start({
      only: ['graph'],
      idle: true,
      nats: { storeDir: folder.path },
      env,
      readyMs: 3_600_000,
    });
    try {
      await using jet = await Jet.connect({ servers: services.nats.url, name: 'bench' });
      const rawSeconds = await seconds(() => readAll(jet, events));
      say(`read in ${rawSeconds.toFixed(1)} s, each event decoded`);

      const { graph } = services.processes;
      const fromLog = await seconds(() => graph.start());
      const logCpu = cpuSeconds(graph.pid);
      say(`ready from the log after ${fromLog.toFixed(1)} s`);
      await graph.stop();
      const database = join(graph.dataDir, 'graph');
      const bareDisk = await seconds(async () => readRows(database));
      const fromDisk = await seconds(() => graph.start());
      const diskCpu = cpuSeconds(graph.pid);
      say(`ready from its database after ${fromDisk.toFixed(1)} s`);
      const restMb = rssMb(graph.pid);

      const client = services.client('graph');
      let dependants = { total: 0, depth: 0 };
      const affected = await seconds(async () => {
        dependants = await client.listDependants({ reference: estate.base, transitive: true, pageSize: 50 });
      });
      if (dependants.total !== estate.onBase) throw new Error(`${dependants.total} dependants, not ${estate.onBase}.`);
      const again: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        again.push(
          await seconds(() => client.listDependants({ reference: estate.base, transitive: true, pageSize: 50 })),
        );
      }
      say(`affected set after ${(affected * 1000).toFixed(0)} ms, then ${(median(again) * 1000).toFixed(0)} ms`);
      const walks = Array.from({ length: 5 }, () => estate.walk());
      const usedMb = rssMb(graph.pid);

      const firstDue = await untilFirstDue(jet, estate);
      say(`the first task was due after ${(firstDue.due * 1000).toFixed(0)} ms`);
      await graph.stop();
      const bareEdges = bareChanges(database, 500);
      const edges = edgeChanges(database, estate, 500);
      say(`an edge changed in ${median(edges).toFixed(3)} ms, p99 ${percentile(edges, 0.99).toFixed(3)} ms`);

      const figure = (
        name: string,
        unit: string,
        [measured, limit]: readonly [number, number],
        [baseline, beside]: readonly [number, string],
        notes: string[] = [],
      ): Figure => {
        const goal = below(measured, limit, unit);
        return { figure: name, unit, measured, baseline, beside, ratio: measured / baseline, goal, notes };
      };
      const rate = rawSeconds / fromLog;
      return [
        {
          figure: 'ready from the bare log',
          unit: 'events/s',
          measured: events / fromLog,
          baseline: events / rawSeconds,
          beside: 'the same log read and decoded, and nothing else',
          ratio: rate,
          goal: ratioAtLeast(rate, 0.7),
          notes: [
            estate.shape,
            `${events} events; ${logCpu.toFixed(1)} s of processor time, the start of the program included`,
          ],
        },
        figure(
          'ready from its database',
          's',
          [fromDisk, 10],
          [bareDisk, 'a program that reads every row of that database, and nothing else'],
          [`${diskCpu.toFixed(1)} s of processor time, the start of the program included`],
        ),
        figure(
          'affected set of a base, asked for the first time',
          'ms',
          [affected * 1000, 300],
          [median(walks), 'a bare walk over the same graph in arrays of integers, in the same process'],
          [
            `over HTTP, right after a restart: ${dependants.total} tasks, depth ${dependants.depth}, the first 50`,
            `asked again: ${again.map((one) => (one * 1000).toFixed(0)).join(', ')} ms`,
          ],
        ),
        figure(
          'first task due after an adoption',
          'ms',
          [firstDue.due * 1000, 1000],
          [firstDue.seen * 1000, 'until a reader of the log has the adoption itself'],
          [`it makes ${dependants.total} tasks stale or pending`],
        ),
        figure(
          'one edge changed, p99',
          'ms',
          [percentile(edges, 0.99), 1],
          [percentile(bareEdges, 0.99), 'one row of a task written anew'],
          [`${edges.length} scans, each with one other input, model and rows: median ${median(edges).toFixed(3)} ms`],
        ),
        figure(
          'memory of the service',
          'MB',
          [usedMb, 1073.7],
          [estate.arraysMb, 'the edges alone, both ways, in arrays of integers'],
          [`resident; ${restMb.toFixed(0)} MB before the first question`],
        ),
      ];
    } finally {
      await services.stop();
    }
  },
};

const readAll = async (jet: Jet, last: number): Promise<void> => {
  const stop = new AbortController();
  for await (const { events } of jet.events.read({ after: 0, signal: stop.signal })) {
    for (const { data } of events) if (!data) throw new Error('An event without data.');
    if (events.at(-1)?.sequence === last) stop.abort();
  }
};

/** Seconds from an adoption until the log tells of it, and until it has the first offer that follows from it. */
const untilFirstDue = async (jet: Jet, estate: Estate): Promise<{ seen: number; due: number }> => {
  const { aggregate, event } = estate.moved();
  const { last } = await jet.events.range();
  const expected = (await jet.events.lastOf(aggregate))!.sequence;
  const stop = new AbortController();
  const began = performance.now();
  const since = (): number => (performance.now() - began) / 1000;
  await jet.events.append(aggregate, expected, [event]);
  let seen = Infinity;
  let due = Infinity;
  for await (const { events } of jet.events.read({ after: last, signal: stop.signal })) {
    if (events.length > 0) seen = Math.min(seen, since());
    if (!events.some(({ type }) => type === 'rebuild.due')) continue;
    due = since();
    break;
  }
  stop.abort();
  return { seen, due };
};
