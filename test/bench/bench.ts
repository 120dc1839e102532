/** What a benchmark is: a measurement beside a baseline that was taken in the same run, on the same machine. */

export interface BenchContext {
  /** 1 for the size that counts, 0.01 for `--quick`. */
  readonly scale: number;
  /** The given size at this scale, at least `least`. */
  size(full: number, least?: number): number;
  /** One line on stderr about what goes on. */
  say(line: string): void;
}

export interface Goal {
  /** `≥ 70 % of the baseline`, `< 150 ms`. */
  readonly text: string;
  readonly met: boolean;
}

export interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly measured: number;
  readonly baseline: number;
  /** What the baseline is. */
  readonly beside: string;
  /** measured / baseline, or the median of that over rounds that were taken in turn; null where that says nothing. */
  readonly ratio: number | null;
  readonly goal: Goal | null;
  /** What else was seen, such as sizes and spreads. */
  readonly notes: readonly string[];
}

export interface Bench {
  readonly name: string;
  readonly summary: string;
  run(context: BenchContext): Promise<Figure[]>;
}

/** A goal for the ratio. */
export const ratioAtLeast = (ratio: number, least: number): Goal => ({
  text: `≥ ${Math.round(least * 100)} % of the baseline`,
  met: ratio >= least,
});

/** A goal for what was measured. */
export const below = (measured: number, limit: number, unit: string): Goal => ({
  text: `< ${limit} ${unit}`,
  met: measured < limit,
});
