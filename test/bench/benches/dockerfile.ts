import { DockerfileParser, type Dockerfile } from 'dockerfile-ast';
import { resolveDockerfile } from '#libs/dockerfile';
import type { Bench } from '../bench.js';
import { makeDockerfiles } from '../lib/dockerfiles.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';

const rounds = 5;

export const dockerfileBench: Bench = {
  name: 'dockerfile',
  summary: "which images Dockerfiles use, beside dockerfile-ast's parse alone",
  run: async ({ size, say }) => {
    const files = makeDockerfiles(size(10_000));
    const bytes = files.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    let found = 0;
    const ours = async (): Promise<number> => {
      found = 0;
      const taken = await seconds(async () => {
        for (const text of files) {
          const { images } = await resolveDockerfile(text, { platforms: ['linux/amd64'], buildArgs: { VERSION: '1' } });
          found += images.length;
        }
      });
      return files.length / taken;
    };
    /** Kept, so that the work cannot be left out. */
    let last: Dockerfile | undefined;
    const parse = async (): Promise<number> => {
      const taken = await seconds(async () => {
        for (const text of files) last = DockerfileParser.parse(text);
      });
      return files.length / taken;
    };
    await ours();
    await parse();
    const { ours: measured, baseline, ratio } = await inTurn(rounds, ours, parse);
    if (last === undefined) throw new Error('Nothing was parsed.');
    say(`resolved ${spread(measured)}/s, parsed ${spread(baseline)}/s`);
    return [
      {
        figure: 'Dockerfiles resolved',
        unit: 'per second',
        measured: median(measured),
        baseline: median(baseline),
        beside: "dockerfile-ast's parse alone, which evaluates nothing",
        ratio,
        goal: null,
        notes: [
          `${files.length} files of ${Math.round(bytes / files.length)} bytes on average, ${found} uses of images; ${rounds} rounds in turn`,
          `resolved ${spread(measured)}, parsed ${spread(baseline)} per second`,
        ],
      },
    ];
  },
};
