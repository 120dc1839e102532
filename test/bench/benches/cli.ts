import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { tempDir } from '#libs/testing';
import { below, type Bench } from '../bench.js';
import { startStandalone } from '../lib/standalone.js';
import { median, spread } from '../lib/stats.js';

const root = resolve(import.meta.dirname, '../../../..');
/** As `npx plinth` runs it in a clone, once Node itself runs. */
const launcher = resolve(root, 'scripts/plinth.mjs');

/** Milliseconds from the spawn until the first byte on stdout, or until the end where there is none. */
const firstByte = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> => {
  const began = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let first: number | undefined;
  child.stdout.on('data', () => (first ??= performance.now() - began));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}.`);
  return first ?? performance.now() - began;
};

export const cliBench: Bench = {
  name: 'cli',
  summary: 'from the start of `plinth` to its first byte against a running server, beside a Node that does nothing',
  run: async ({ size, say }) => {
    const rounds = size(100, 5);
    await using folder = await tempDir('bench-cli');
    await using plinth = await startStandalone({ dataDir: folder.path });
    const env = { ...process.env, HOME: folder.path, PLINTH_SERVER: plinth.url, PLINTH_TOKEN: plinth.token };
    const ours: number[] = [];
    const help: number[] = [];
    const bare: number[] = [];
    // The first one fills the compile cache, as the first use in a clone does.
    await firstByte([launcher, 'status'], env);
    for (let round = 0; round < rounds; round++) {
      ours.push(await firstByte([launcher, 'status'], env));
      bare.push(await firstByte(['-e', '0'], env));
      help.push(await firstByte([launcher, '--help'], env));
    }
    say(`status ${spread(ours)} ms, help ${spread(help)} ms, node -e 0 ${spread(bare)} ms`);
    const [measured, baseline] = [median(ours), median(bare)];
    return [
      {
        figure: 'plinth status, first byte',
        unit: 'ms',
        measured,
        baseline,
        beside: 'node -e 0, from spawn to end',
        ratio: measured / baseline,
        goal: below(measured, 250, 'ms'),
        notes: [
          `median of ${rounds}, one after the other: ${spread(ours)} ms beside ${spread(bare)} ms`,
          `plinth --help, which asks nobody: ${spread(help)} ms`,
        ],
      },
    ];
  },
};
