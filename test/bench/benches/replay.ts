import { join } from 'node:path';
import { Jet } from '#libs/event-log';
import { startNats, tempDir } from '#libs/testing';
import { ratioAtLeast, type Bench } from '../bench.js';
import { History } from '../history/history.js';
import { fillLog, startFillServer } from '../lib/fill.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';
import { bareReplay, sameRows } from '../replay/bare-loop.js';
import { graphProjections, replay } from '../replay/projection.js';
import { Recorder } from '../replay/recorder.js';

/** Events in one batch: what the projector takes unless told otherwise. */
const batch = 1000;
const rounds = 2;

export const replayBench: Bench = {
  name: 'replay',
  summary: "the graph's whole projection from an empty disk, beside a bare loop that writes the same rows",
  run: async ({ size, say }) => {
    const events = size(1_000_000);
    const tasks = size(5_000);
    await using folder = await tempDir('bench-replay');
    const store = join(folder.path, 'store');

    const filling = await startFillServer(store);
    const fillSeconds = await seconds(() => fillLog(filling.url, new History({ events, tasks })));
    await filling.stop();
    say(`${events} events of ${tasks} tasks are in the log (${Math.round(events / fillSeconds)}/s)`);

    await using nats = await startNats({ storeDir: store });
    await using jet = await Jet.connect({ servers: nats.url, name: 'bench' });
    const { last } = await jet.events.range();

    // Not timed: which rows the projection writes, batch by batch.
    const recorder = new Recorder();
    const projections = graphProjections();
    const watched = projections.map((one) => recorder.watch(one));
    const recorded = await replay(jet, join(folder.path, 'recorded.sqlite'), last, watched, () => recorder.endBatch());
    const schema = projections.map((one) => one.schema).join(';\n');
    const same = sameRows(recorded.db, recorder, schema);
    await recorded.stop();
    say(`the projection wrote ${same.writes} rows in ${same.batches.length - 1} batches`);

    /** Processor time of each pass by name, in seconds: what other programs on the machine do changes it little. */
    const cpu: Record<string, number[]> = {};
    const eventsPerSecond = async (name: string, work: (file: string) => Promise<unknown>): Promise<number> => {
      await using own = await tempDir('bench-replay-round');
      const before = process.cpuUsage();
      const rate = events / (await seconds(() => work(join(own.path, 'projection.sqlite'))));
      const { user, system } = process.cpuUsage(before);
      (cpu[name] ??= []).push((user + system) / 1e6);
      say(`${name}: ${Math.round(rate)} events/s, ${((user + system) / 1e6).toFixed(1)} s of processor time`);
      return rate;
    };
    const ours = () =>
      eventsPerSecond('projection', async (file) => (await replay(jet, file, last, graphProjections())).stop());
    const bare = () => eventsPerSecond('bare loop', (file) => bareReplay(jet, file, same, last, batch));
    const { ours: measured, baseline, ratio } = await inTurn(rounds, ours, bare);
    return [
      {
        figure: 'replay',
        unit: 'events/s',
        measured: median(measured),
        baseline: median(baseline),
        beside: 'a loop that parses each event and writes the same rows, with their final contents, per batch',
        ratio,
        goal: ratioAtLeast(ratio, 0.7),
        notes: [
          `${events} events, ${tasks} tasks, ${same.writes} rows written in batches of ${batch}; ${rounds} rounds in turn`,
          `projection ${spread(measured)}, bare loop ${spread(baseline)} events/s`,
          `processor time: projection ${spread(cpu['projection'] ?? [], 1)} s, bare loop ${spread(cpu['bare loop'] ?? [], 1)} s`,
          ...(same.lost > 0
            ? [`${same.lost} writes to rows that are gone in the end are left out of the bare loop`]
            : []),
        ],
      },
    ];
  },
};
