import type { JetStreamClient } from '@nats-io/jetstream';
import { eventSubject } from '#libs/contracts';
import { Jet, type NewEvent } from '#libs/event-log';
import { startNats, tempDir } from '#libs/testing';
import { ratioAtLeast, type Bench, type BenchContext, type Figure } from '../bench.js';
import { runEvents } from '../history/run-events.js';
import { startFillServer } from '../lib/fill.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';
import { inWindow } from '../lib/window.js';

const window = 256;
const rounds = 5;

export const appendBench: Bench = {
  name: 'append',
  summary: 'appends with a check of concurrency, beside bare publishes that carry the same expectation',
  run: async (context) => {
    const figures: Figure[] = [];
    {
      await using nats = await startNats();
      figures.push(await measure(context, nats.url, 'appends, every one on disk', context.size(6_000, 60)));
    }
    {
      await using folder = await tempDir('bench-append');
      await using nats = await startFillServer(folder.path);
      figures.push(await measure(context, nats.url, 'appends, disk not waited for', context.size(40_000, 400)));
    }
    return figures;
  },
};

const measure = async ({ say }: BenchContext, url: string, figure: string, events: number): Promise<Figure> => {
  await using jet = await Jet.connect({ servers: url, name: 'bench' });
  await jet.provision();
  await jet.jsm.streams.add({
    name: 'BARE',
    subjects: ['bare.>'],
    storage: 'file',
    num_replicas: 1,
    allow_direct: true,
    discard: 'new',
    max_bytes: 4 * 1024 ** 3,
    deny_delete: true,
  });
  let number = 0;
  const perRun = runEvents('r').length;
  const runs = Math.ceil(events / perRun);
  /** Each run's events one after the other, `window` runs at a time: what so many builders would do. */
  const perSecond = async (name: string, work: (run: string) => Promise<void>): Promise<number> => {
    const prefix = `r${number++}-`;
    const taken = await seconds(() => inWindow(runs, window, (index) => work(`${prefix}${index}`)));
    const rate = (runs * perRun) / taken;
    say(`${figure}, ${name}: ${Math.round(rate)}/s`);
    return rate;
  };
  const ours = () => perSecond('JetStreamEventLog.append', (run) => append(jet, run));
  const bare = () => perSecond('js.publish', (run) => publish(jet.js, run));
  await ours();
  await bare();
  const { ours: measured, baseline, ratio } = await inTurn(rounds, ours, bare);
  return {
    figure,
    unit: 'per second',
    measured: median(measured),
    baseline: median(baseline),
    beside: 'js.publish of the same bodies with expect.lastSubjectSequence, in the same window and server',
    ratio,
    goal: ratioAtLeast(ratio, 0.6),
    notes: [
      `${runs * perRun} events of ${runs} aggregates per round, ${window} under way; ${rounds} rounds in turn`,
      `append ${spread(measured)}, publish ${spread(baseline)} per second`,
    ],
  };
};

const append = async (jet: Jet, run: string): Promise<void> => {
  let expected = 0;
  for (const event of runEvents(run)) {
    ({ sequence: expected } = await jet.events.append({ kind: 'run', id: run }, expected, [event]));
  }
};

const publish = async (js: JetStreamClient, run: string): Promise<void> => {
  const subject = eventSubject('run', run).replace('plinth.events', 'bare');
  let expected = 0;
  for (const { data } of runEvents(run) as NewEvent[]) {
    const ack = await js.publish(subject, JSON.stringify(data), { expect: { lastSubjectSequence: expected } });
    expected = ack.seq;
  }
};
