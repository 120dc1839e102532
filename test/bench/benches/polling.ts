import { simulate, type SimulationResult } from '../../../apps/watcher/src/polling/testing/simulation.js';
import type { Bench, Figure } from '../bench.js';
import { median, spread } from '../lib/stats.js';

export const pollingBench: Bench = {
  name: 'polling',
  summary: 'how late polling sees moves, beside fixed intervals with as many requests and beside ACR (virtual clock)',
  run: async ({ size, say }) => {
    const seeds = size(20, 1);
    const results: SimulationResult[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) {
      const result = await simulate({
        tags: 1_000,
        tagsPerRepository: 10,
        requestsPerSecond: 5,
        days: size(30, 1),
        seed,
      });
      const { planned, fixed, acr, looks, refused, reads, moves } = result;
      say(
        `seed ${seed}: ${planned.toFixed(1)} s, fixed ${fixed.toFixed(1)} s, ACR ${acr.toFixed(0)} s; ` +
          `${moves} moves, ${looks} looks, ${reads} manifests read, ${refused} refused`,
      );
      if (refused > 0) throw new Error(`The registry had to refuse ${refused} requests.`);
      if (reads > moves) throw new Error(`${reads} manifests were read for ${moves} moves.`);
      results.push(result);
    }
    const notes = [
      `${seeds} seeds; 1,000 tags in repositories of 10, Zipf 1, a move in 1 to 90 days, sisters with probability 0.8`,
      'seconds from a move to the look that saw it, weighted by dependants; no request above the budget',
    ];
    const beside = (name: 'fixed' | 'acr', figure: string, what: string, most: number, goal: string): Figure => {
      const ratios = results.map((one) => one.planned / one[name]);
      return {
        figure,
        unit: 's',
        measured: median(results.map(({ planned }) => planned)),
        baseline: median(results.map((one) => one[name])),
        beside: what,
        ratio: median(ratios),
        goal: { text: goal, met: median(ratios) <= most },
        notes: [...notes, `worst seed ${Math.max(...ratios).toFixed(3)} of the baseline; all ${spread(ratios, 3)}`],
      };
    };
    return [
      beside('fixed', 'mean delay, 5 requests a second', 'every tag once in 200 s', 0.5, '≤ half of the baseline'),
      beside(
        'acr',
        'mean delay, beside ACR',
        'every tag after a random time of 10 to 60 min',
        1 / 25,
        '25 times less than the baseline',
      ),
    ];
  },
};
