import { describe, expect, it } from 'vitest';
import { generatedEstate } from '../bench/builds/generated.js';
import { leastBuilds, leastBuildsAsStarted } from '../bench/builds/least.js';
import type { BuildEstate, EstateTask, Publication } from '../bench/builds/estate.js';
import { play } from '../bench/builds/play.js';
import { edgeTriggered, indexDigest, plinth } from '../bench/builds/policies.js';
import { realGraph } from '../simulation/graph-replica.js';
import { mutants } from '../simulation/mutants.js';

const minute = 60_000;

const together = ({ roots }: BuildEstate, count: number): Publication[] =>
  roots.slice(0, count).map(({ reference, platforms }, at) => ({ afterMs: at * 500, reference, platforms }));

/** The first at once, the others while that is being built. */
const during = ({ roots }: BuildEstate, count: number): Publication[] =>
  roots.slice(0, count).map(({ reference, platforms }, at) => ({ afterMs: at * 7 * minute, reference, platforms }));

describe('builds for a change', () => {
  it.each([1, 2, 3])('are the least that there can be, and more for every push (seed %i)', (seed) => {
    const estate = generatedEstate(240, seed);
    for (const count of [1, 3]) {
      const publications = together(estate, count);
      const least = leastBuilds(
        estate,
        publications.map(({ reference }) => reference),
      );
      expect(play(estate, publications, plinth()).builds).toBe(least);
      expect(play(estate, publications, edgeTriggered).builds).toBeGreaterThan(least);
      expect(play(estate, publications, indexDigest).builds).toBeGreaterThan(least);
    }
  });

  it('are the least for what came when, where changes come while others are being built', () => {
    const estate = generatedEstate(240, 4);
    const { builds, adopted, starts } = play(estate, during(estate, 4), plinth());
    expect(builds).toBe(leastBuildsAsStarted(estate, adopted, starts));
    expect(builds).toBeGreaterThan(leastBuilds(estate, [...new Set(adopted.map(({ reference }) => reference))]));
  });

  it('leave nothing on something old but what fails, and what stands on nothing else', () => {
    const estate = generatedEstate(240, 2);
    const { left } = play(estate, together(estate, 3), plinth());
    expect(left).toBeLessThanOrEqual(estate.tasks.filter(({ fate }) => fate === 'FailsAlways').length);
  });

  it('are more when only the direct upstreams are waited for', () => {
    const mutant = mutants.find(({ name }) => name === 'only direct upstreams hold')!;
    const estate = generatedEstate(240, 1);
    const publications = together(estate, 1);
    const wrong = play(estate, publications, plinth(undefined, { ...realGraph, ...mutant.plant.graph }));
    expect(wrong.builds).toBeGreaterThan(leastBuilds(estate, [publications[0]!.reference]));
  });
});

describe('an index that is published platform by platform', () => {
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x'];
  const task = (name: string, from: string, mine: readonly string[]): EstateTask => ({
    name,
    inputs: [{ reference: from, role: 'base' }],
    outputs: [`registry.test/${name}:1`],
    platforms: mine,
    tracks: 'All',
    triggerEnabled: true,
    enabled: true,
    built: true,
    yields: 'fresh',
    durationMs: minute,
    fate: 'Done',
  });
  const root = { reference: 'docker.io/library/debian:12', platforms };
  const estate: BuildEstate = {
    roots: [root],
    tasks: [task('node', root.reference, platforms), task('app', 'registry.test/node:1', platforms)],
    shape: 'a chain of two',
  };

  it('is one change, though it comes in three pieces', () => {
    const publications = platforms.map((platform, at) => ({
      afterMs: at * 20 * minute,
      reference: root.reference,
      platforms: [platform],
    }));
    expect(play(estate, publications, plinth()).builds).toBe(2);
    expect(play(estate, publications, edgeTriggered).builds).toBe(6);
    expect(play(estate, publications, indexDigest).builds).toBe(6);
  });
});
