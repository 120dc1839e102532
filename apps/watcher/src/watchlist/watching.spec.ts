import { describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import { StaleLookError, type LookRequest } from '../looking/looker.js';
import { digestOf, reference, snapshotOf } from '../testing/samples.js';
import { Watching, type WatchingDependencies } from './watching.js';

/** A registry that shows the old digest for as long as anybody looks, after a push of run c1. */
const setUp = () => {
  const clock = new FakeClock();
  const looks: { final: boolean; second: number }[] = [];
  const owed = [{ run: 'c1', reference, digest: digestOf('pushed') }];
  const start = clock.now().getTime();
  const watching = new Watching({
    watchList: {
      takeTouched: () => [reference],
      trackersOf: () => 1,
      owedOf: () => owed,
    },
    tags: { get: () => ({ state: { watched: true, adopted: snapshotOf('before') }, sequence: 2 }) },
    looker: {
      look: (_reference: string, { answers }: LookRequest) => {
        looks.push({ final: answers!.final, second: (clock.now().getTime() - start) / 1000 });
        return answers!.final ? Promise.resolve() : Promise.reject(new StaleLookError('not yet'));
      },
    },
    commands: {},
    clock,
    logger: silentLogger,
    changed: () => undefined,
  } as unknown as WatchingDependencies);
  return { watching, clock, looks };
};

describe('the answer to a push that the registry does not show yet', () => {
  it('is given by the look after 48 seconds at the latest', async () => {
    const { watching, clock, looks } = setUp();
    watching.attendTouched();
    await clock.advance(60_000);
    expect(looks.map(({ second }) => second)).toEqual([0, 1, 3, 8, 18, 48]);
    expect(looks.map(({ final }) => final)).toEqual([false, false, false, false, false, true]);
  });

  it('is left to the next start when the service ends in between', async () => {
    const { watching, clock, looks } = setUp();
    watching.attendTouched();
    await clock.advance(2_000);
    watching.stop();
    await clock.advance(60_000);
    expect(looks).toHaveLength(2);
  });
});
