import { Jet } from '#libs/event-log';
import { startNats, tempDir, type NatsServer } from '#libs/testing';
import type { Bench, BenchContext, Figure } from '../bench.js';
import type { HistoryEvent } from '../history/history.js';
import { runEvents } from '../history/run-events.js';
import { fillLog, startFillServer } from '../lib/fill.js';
import { rssMb } from '../lib/memory.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';
import { inWindow } from '../lib/window.js';

const window = 256;
const rounds = 5;
const restarts = 5;

export const millionBench: Bench = {
  name: 'million',
  summary:
    'appends, memory and restart of nats-server with a million run aggregates, beside the same with ten thousand',
  run: async (context) => {
    const counts = { many: context.size(1_000_000), few: context.size(10_000) };
    await using manyFolder = await tempDir('bench-million');
    await using fewFolder = await tempDir('bench-million-few');
    for (const [folder, count] of [
      [manyFolder.path, counts.many],
      [fewFolder.path, counts.few],
    ] as const) {
      await using filling = await startFillServer(folder);
      const taken = await seconds(() => fillLog(filling.url, dispatchedRuns(count)));
      context.say(`${count} runs are in the log (${Math.round(count / taken)}/s)`);
    }

    const figures: Figure[] = [];
    {
      await using many = await startNats({ storeDir: manyFolder.path });
      await using few = await startNats({ storeDir: fewFolder.path });
      figures.push(await restartTime(context, many, few, counts), memory(many, few, counts, 'right after a restart'));
      figures.push(await appends(context, many, few, counts, 'every one on disk', context.size(4_000, 60)));
      figures.push(memory(many, few, counts, 'after these appends'));
    }
    {
      await using many = await startFillServer(manyFolder.path);
      await using few = await startFillServer(fewFolder.path);
      figures.push(await appends(context, many, few, counts, 'disk not waited for', context.size(30_000, 300)));
    }
    return figures;
  },
};

interface Counts {
  readonly many: number;
  readonly few: number;
}

const beside = ({ few }: Counts) => `a server of the same settings with ${few} run aggregates`;

/** One event for each of so many runs. */
function* dispatchedRuns(count: number): Generator<HistoryEvent> {
  for (let at = 0; at < count; at++) {
    const run = `m${at.toString(36)}`;
    const event = { type: 'run.dispatched', id: `${run}.1`, data: { run, attempt: 1, pool: 'default' } } as const;
    yield { aggregate: { kind: 'run', id: run }, event };
  }
}

const memory = (many: NatsServer, few: NatsServer, counts: Counts, when: string): Figure => {
  const measured = rssMb(many.pid);
  const baseline = rssMb(few.pid);
  const notes = [`${counts.many} run aggregates of one event each`];
  const figure = `memory of nats-server ${when}`;
  return {
    figure,
    unit: 'MB',
    measured,
    baseline,
    beside: beside(counts),
    ratio: measured / baseline,
    goal: null,
    notes,
  };
};

const restartTime = async (
  { say }: BenchContext,
  many: NatsServer,
  few: NatsServer,
  counts: Counts,
): Promise<Figure> => {
  const { ours, baseline, ratio } = await inTurn(
    restarts,
    () => seconds(() => many.restart()),
    () => seconds(() => few.restart()),
  );
  say(`restart: ${spread(ours, 2)} s, ${spread(baseline, 2)} s`);
  return {
    figure: 'restart, from SIGTERM until it greets with JetStream on',
    unit: 's',
    measured: median(ours),
    baseline: median(baseline),
    beside: beside(counts),
    ratio,
    goal: null,
    notes: [`${restarts} restarts in turn: ${spread(ours, 2)} s beside ${spread(baseline, 2)} s`],
  };
};

const appends = async (
  { say }: BenchContext,
  many: NatsServer,
  few: NatsServer,
  counts: Counts,
  how: string,
  events: number,
): Promise<Figure> => {
  let number = 0;
  const perRun = runEvents('r').length;
  const runs = Math.ceil(events / perRun);
  const perSecond = async (jet: Jet): Promise<number> => {
    const prefix = `a${(number++).toString(36)}${Date.now().toString(36)}-`;
    const taken = await seconds(() => inWindow(runs, window, (index) => append(jet, `${prefix}${index}`)));
    return (runs * perRun) / taken;
  };
  await using manyJet = await Jet.connect({ servers: many.url, name: 'bench' });
  await using fewJet = await Jet.connect({ servers: few.url, name: 'bench' });
  await perSecond(fewJet);
  await perSecond(manyJet);
  const ofMany = () => perSecond(manyJet);
  const ofFew = () => perSecond(fewJet);
  const { ours, baseline, ratio } = await inTurn(rounds, ofMany, ofFew);
  say(`appends, ${how}: ${spread(ours)} per second, ${spread(baseline)} per second`);
  return {
    figure: `appends, ${how}`,
    unit: 'per second',
    measured: median(ours),
    baseline: median(baseline),
    beside: beside(counts),
    ratio,
    goal: null,
    notes: [
      `${runs * perRun} events of ${runs} new runs per round, ${window} under way; ${rounds} rounds in turn`,
      `${spread(ours)} beside ${spread(baseline)} per second`,
    ],
  };
};

const append = async (jet: Jet, run: string): Promise<void> => {
  let expected = 0;
  for (const event of runEvents(run)) {
    ({ sequence: expected } = await jet.events.append({ kind: 'run', id: run }, expected, [event]));
  }
};
