const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** Nearest-rank percentile: the smallest value that `share` of all values do not exceed. */
export const percentile = (values: readonly number[], share: number): number => {
  const all = sorted(values);
  return all[Math.min(all.length - 1, Math.max(0, Math.ceil(share * all.length) - 1))] ?? Number.NaN;
};

export const median = (values: readonly number[]): number => {
  const all = sorted(values);
  const middle = all.length >> 1;
  return all.length % 2 === 1 ? (all[middle] ?? Number.NaN) : ((all[middle - 1] ?? 0) + (all[middle] ?? 0)) / 2;
};

/** Smallest and largest, for a note on how far the rounds were apart. */
export const spread = (values: readonly number[], digits = 0): string =>
  `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;

/** Seconds that the work took. */
export const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};

/**
 * Measures two things in turn, the order changing from round to round: what else the machine does, and how full its
 * disk is, then falls on both alike.
 */
export const inTurn = async (
  rounds: number,
  ours: (round: number) => Promise<number>,
  baseline: (round: number) => Promise<number>,
): Promise<{ ours: number[]; baseline: number[]; ratio: number }> => {
  const mine: number[] = [];
  const other: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) mine.push(await ours(round));
    other.push(await baseline(round));
    if (round % 2 === 1) mine.push(await ours(round));
  }
  return { ours: mine, baseline: other, ratio: median(mine.map((value, at) => value / (other[at] ?? Number.NaN))) };
};
