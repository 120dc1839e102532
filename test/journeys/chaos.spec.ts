import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from '../chaos/cluster.js';
import { collect, type Evidence } from '../chaos/judge/evidence.js';
import { judge } from '../chaos/judge/judge.js';
import { lies } from '../chaos/judge/lies.js';
import { deaths, roundOf } from '../chaos/plan.js';
import { runRound, sentenceOf, type Death } from '../chaos/round.js';
import { bases, tasks } from '../chaos/world.js';

/** `npm test` runs each kind of death once; PLINTH_CHAOS_ROUNDS=50 is the full set. */
const rounds = Number(process.env['PLINTH_CHAOS_ROUNDS'] ?? deaths.length);
const seed = Number(process.env['PLINTH_CHAOS_SEED'] ?? 1);
/** Begins with this round, to repeat one that failed. */
const from = Number(process.env['PLINTH_CHAOS_FROM'] ?? 0);
const verbose = process.env['PLINTH_CHAOS_VERBOSE'] === '1';

describe('four processes that are killed at the worst moments', () => {
  let cluster: Cluster;
  const died: Death[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start();
    await cluster.populate();
  });
  afterAll(async () => {
    await cluster.stop();
  });

  const evidence = (): Promise<Evidence> =>
    collect({
      host: cluster.registry.host,
      accessLog: cluster.registry.accessLog,
      notices: cluster.registry.notices,
      images: tasks,
      tokens: cluster.tokens,
      reader: cluster.reader,
      services: Object.fromEntries(Object.values(cluster.services).map(({ name, url }) => [name, url])),
      token: cluster.token,
      last: cluster.feed.facts.length,
    });

  it(
    `bring every image to its newest base in each of ${rounds} rounds (seed ${seed})`,
    async () => {
      for (let number = from; number < from + rounds; number++) {
        const round = roundOf(
          seed,
          number,
          bases.map(({ name }) => name),
        );
        const since = performance.now();
        try {
          const deathsNow = await runRound(cluster, round);
          died.push(...deathsNow);
          if (verbose) process.stderr.write(`${sentenceOf(round, deathsNow, (performance.now() - since) / 1000)}\n`);
        } catch (error) {
          throw new Error(
            `Round ${number} failed: ${(error as Error).message}\n${JSON.stringify(round)}\n` +
              `To repeat it: PLINTH_CHAOS_SEED=${seed} PLINTH_CHAOS_FROM=${number} PLINTH_CHAOS_ROUNDS=1 npm test -- test/journeys/chaos.spec.ts\n` +
              (await cluster.situation()),
            { cause: error },
          );
        }
      }
    },
    rounds * 180_000,
  );

  it('died at each of the named points', () => {
    const wanted = from === 0 && rounds >= deaths.length ? deaths : [];
    const reached = new Set(died.filter((death) => death.reached).map(({ service, point }) => `${service} ${point}`));
    expect([...reached].sort()).toEqual(
      expect.arrayContaining(wanted.map(({ service, point }) => `${service} ${point}`)),
    );
  });

  it('built nothing twice and published nothing old, as the journals of the registry and the event stream tell', async () => {
    expect(judge(await evidence())).toEqual([]);
  });

  it('was judged by a judge who finds each lie', async () => {
    const truth = await evidence();
    const findings = lies.map(({ title, found, tell }) => ({
      title,
      found: judge(tell(truth)).some(({ check }) => check === found),
    }));
    expect(findings).toEqual(lies.map(({ title }) => ({ title, found: true })));
  });

  it('was judged by a judge who knows nothing of Plinth', async () => {
    const folder = join(import.meta.dirname, '../chaos/judge');
    const imports: string[] = [];
    for (const name of (await readdir(folder)).filter((file) => file.endsWith('.ts'))) {
      const text = await readFile(join(folder, name), 'utf8');
      imports.push(...[...text.matchAll(/\b(?:from|import)\b[ (]+'([^']+)'/g)].map(([, specifier]) => specifier ?? ''));
    }
    expect(imports).toContain('tar-stream');
    expect(imports.filter((specifier) => !/^(node:|\.\/|tar-stream$)/.test(specifier))).toEqual([]);
  });

  it.each([
    ['builder.built', 'after run.built was written'],
    ['builder.put', 'when all was checked and the tag not moved yet'],
  ])('leave each tag at the newest image when a builder sleeps at %s, %s', async (point) => {
    const { builder } = cluster.services;
    await builder.pauseAt(point);
    await cluster.move('base-1');
    await builder.suspended();
    await builder.disarm();
    // It sleeps longer than its lease: the run is handed to the second builder, which ends it and builds a newer one.
    await using second = await cluster.anotherBuilder('second-builder', { PLINTH_RECONCILE: '1' });
    await cluster.settled('the run of the sleeping builder, ended by the second one');
    await cluster.move('base-1');
    await cluster.settled('a newer run at the second builder');
    const newest = await cluster.headsOf('chain-a');
    builder.resume();
    // Whatever it still does, it has done when it ends.
    expect(await builder.stop()).toBe('exit code 0');
    await cluster.reconciled('chain-a');
    expect(await cluster.headsOf('chain-a')).toEqual(newest);
    // A tag that went back for a moment may have been seen by its dependants.
    await cluster.settled('everything after the tags were reconciled');
    await second.stop();
    await builder.start();
  });

  it('moves a tag forward again that a late request of an earlier run moved back', async () => {
    await using second = await cluster.anotherBuilder('second-builder', { PLINTH_RECONCILE: '1' });
    const newest = await cluster.headsOf('chain-a');
    const earlier = await cluster.earlierImageOf('chain-a');
    await cluster.putBack('chain-a', earlier);
    await cluster.reconciled('chain-a');
    expect(await cluster.headsOf('chain-a')).toEqual(newest);
    await second.stop();
  });

  it('built nothing twice while builders slept', async () => {
    expect(judge(await evidence(), { mayGoBack: ['chain-a', 'chain-b'] })).toEqual([]);
  });
});
