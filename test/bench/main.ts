import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { BenchContext } from './bench.js';
import { benches } from './benches/index.js';
import { reportOf, tableOf, type Report, type Result } from './report.js';

const usage = `npm run bench [-- name… --quick --scale SHARE --json FILE]

Measures Plinth beside baselines that are taken in the same run, and prints a table.
--quick runs everything at 1 % of its size: whether it works, not how fast it is; --scale at that share of it.

${benches.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}
`;

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      scale: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  if (values.help || unknown.length > 0) {
    for (const name of unknown) console.error(`There is no benchmark ${name}.`);
    console.log(usage);
    return unknown.length > 0 ? 2 : 0;
  }
  const scale = values.quick ? 0.01 : Number(values.scale ?? 1);
  if (!(scale > 0 && scale <= 1)) {
    console.error(`--scale ${values.scale} is not a share between 0 and 1.`);
    return 2;
  }
  const results: Result[] = [];
  const failures: Report['failures'][number][] = [];
  for (const { name, run } of benches) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    try {
      const before = load();
      const figures = await run(contextOf(name, scale));
      const note = `load of the machine over a minute: ${before} before, ${load()} after`;
      results.push(...figures.map((figure) => ({ bench: name, ...figure, notes: [...figure.notes, note] })));
    } catch (error) {
      console.error(error);
      failures.push({ bench: name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const report = reportOf(scale, results, failures);
  console.log(tableOf(report));
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  // A goal that was not met is a finding, not a failure: nothing asserts on speed.
  return failures.length > 0 ? 1 : 0;
};

/** What else the machine does is seen here: a benchmark alone makes about 2. */
const load = (): string => loadavg()[0]!.toFixed(1);

const contextOf = (name: string, scale: number): BenchContext => ({
  scale,
  size: (full, least = 1) => Math.max(least, Math.round(full * scale)),
  say: (line) => console.error(`[${name}] ${line}`),
});

// Whatever was started ends with the process, and temporary folders go, only when it ends by itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();
