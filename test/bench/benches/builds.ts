import { defaultPatience } from '../../../apps/graph/src/model/evaluate.js';
import { Chance } from '../../simulation/chance.js';
import type { Bench, Figure } from '../bench.js';
import type { BuildEstate, Publication } from '../builds/estate.js';
import { generatedEstate } from '../builds/generated.js';
import { leastBuilds, leastBuildsAsStarted } from '../builds/least.js';
import { officialEstate } from '../builds/official.js';
import { play } from '../builds/play.js';
import { edgeTriggered, indexDigest, plinth } from '../builds/policies.js';

/** Outside images that move. */
const counts = [1, 3, 10];
/** Within this long they count as having moved together: less than the settling time. */
const togetherMs = 1_500;
/** Of the others, each moves within so long after the first: waves take longer. */
const duringMs = 3_000_000;
/** Between two platforms of an index. */
const pauseMs = { least: 60_000, most: 1_500_000 };

type When = 'together' | 'during the wave';

/** Publications of the most used outside images: platform by platform, with pauses, whole at the moments that are asked for. */
const publicationsOf = (
  estate: BuildEstate,
  count: number,
  when: When,
  seed: number,
): { publications: Publication[]; moved: string[] } => {
  const chance = new Chance(seed);
  const pauses: number[] = [];
  const moved = estate.roots.slice(0, when === 'together' ? count : count + 1);
  const publications = moved.flatMap(({ reference, platforms }, place) => {
    const first = place === 0 ? 0 : chance.between('when', 0, when === 'together' ? togetherMs : duringMs);
    let after = first;
    return platforms.map((platform, at): Publication => {
      // Builders of one architecture end at one time, for all images.
      pauses[at] ??= chance.between('pause', pauseMs.least, pauseMs.most);
      if (at > 0) after += pauses[at];
      return { afterMs: after, reference, platforms: [platform] };
    });
  });
  return { publications, moved: moved.map(({ reference }) => reference) };
};

const figureOf = (estate: BuildEstate, name: string, count: number, when: When): Figure => {
  const { publications, moved } = publicationsOf(estate, count, when, count);
  const ours = play(estate, publications, plinth());
  const edge = play(estate, publications, edgeTriggered);
  const index = play(estate, publications, indexDigest);
  const onceEach = leastBuilds(estate, moved);
  const least = when === 'together' ? onceEach : leastBuildsAsStarted(estate, ours.adopted, ours.starts);
  const hours = (ms: number) => `${(ms / 3_600_000).toFixed(1)} h`;
  const notes = [
    estate.shape,
    ...(when === 'together' ? [] : [`if everything had been known before, the least would be ${onceEach}`]),
    `index-digest: ${index.builds} builds, ${((index.builds / least) * 100).toFixed(0)} % of the least`,
    `edge-triggered: ${((edge.builds / least) * 100).toFixed(0)} % of the least`,
    `failed tries beside these: ${ours.failed}, edge-triggered ${edge.failed}, index-digest ${index.failed}`,
    `left on something old: ${ours.left}, edge-triggered ${edge.left}, index-digest ${index.left}`,
    `until the last build: ${hours(ours.tookMs)}, edge-triggered ${hours(edge.tookMs)}, index-digest ${hours(index.tookMs)}`,
  ];
  if (ours.builds > least) {
    const patient = play(estate, publications, plinth({ ...defaultPatience, patienceMs: Infinity }));
    const needed = leastBuildsAsStarted(estate, patient.adopted, patient.starts);
    notes.push(`with endless patience: ${patient.builds} builds, least ${needed}`);
  }
  return {
    figure: `${name}, ${when === 'together' ? `${count} moved together` : `${count} more ${when}`}`,
    unit: 'builds',
    measured: ours.builds,
    baseline: edge.builds,
    beside: 'one build of each direct dependant for every push that arrives, as ACR and OpenShift do',
    ratio: ours.builds / edge.builds,
    goal: { text: `= ${least}, the least`, met: ours.builds === least && edge.builds > least },
    notes,
  };
};

export const buildsBench: Bench = {
  name: 'builds',
  summary:
    'builds for a change, beside edge-triggered and index-digest rebuilding (virtual clock), and beside the least',
  run: async ({ size, say }) => {
    const estates: [string, BuildEstate][] = [
      ['official images', await officialEstate(1)],
      ['generated', generatedEstate(size(20_000, 400), 1)],
    ];
    const figures: Figure[] = [];
    for (const [name, estate] of estates) {
      say(estate.shape);
      for (const when of ['together', 'during the wave'] as const) {
        for (const count of counts) {
          const figure = figureOf(estate, name, count, when);
          say(`${figure.figure}: ${figure.measured} builds, edge-triggered ${figure.baseline}, ${figure.goal?.text}`);
          figures.push(figure);
        }
      }
    }
    return figures;
  },
};
