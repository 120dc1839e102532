import { cpus, release, totalmem } from 'node:os';
import type { Figure } from './bench.js';

export interface Result extends Figure {
  readonly bench: string;
}

export interface Report {
  readonly at: string;
  readonly node: string;
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly memoryBytes: number;
    readonly kernel: string;
  };
  readonly scale: number;
  readonly results: readonly Result[];
  /** Benchmarks that could not be run, and why. */
  readonly failures: readonly { readonly bench: string; readonly reason: string }[];
}

export const reportOf = (scale: number, results: readonly Result[], failures: Report['failures']): Report => ({
  at: new Date().toISOString(),
  node: process.version,
  machine: {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: release(),
  },
  scale,
  results,
  failures,
});

const number = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-GB') : value.toPrecision(3);
const percent = (ratio: number | null): string =>
  ratio === null ? '–' : `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)} %`;

const columns = ['bench', 'figure', 'measured', 'baseline', 'ratio', 'goal', 'met'] as const;

/** One row per figure; under it what the baseline is and what else was seen. */
export const tableOf = ({ results, failures, scale }: Report): string => {
  const rows = results.map((one) => [
    one.bench,
    `${one.figure} (${one.unit})`,
    number(one.measured),
    number(one.baseline),
    percent(one.ratio),
    one.goal?.text ?? '–',
    one.goal === null ? '–' : one.goal.met ? 'yes' : 'NO',
  ]);
  const widths = columns.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const out = [line(columns), line(widths.map((width) => '─'.repeat(width)))];
  for (const [at, row] of rows.entries()) {
    const { beside, notes } = results[at]!;
    out.push(line(row), `    beside ${beside}`, ...notes.map((note) => `    ${note}`));
  }
  for (const { bench, reason } of failures) out.push(`${bench} could not be measured: ${reason}`);
  if (scale !== 1) {
    const worth = scale < 0.1 ? ': this shows that the benchmarks run, not how fast anything is' : '';
    out.push('', `At ${scale * 100} % of the size${worth}.`);
  }
  return out.join('\n');
};
