import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unmountBelow } from '../../../apps/builder/src/engines/leftovers.js';
import { hostPlatform, startRegistry, type TestRegistry } from '../../../apps/builder/src/engines/testing/registry.js';
import { createClient } from '#libs/client';
import { tempDir } from '#libs/testing';
import { tarGzOf } from '../../../libs/context/src/testing/tar.js';
import { type Bench, type BenchContext, type Figure } from '../bench.js';
import { bareEngines, type BareEngine } from '../engines/bare.js';
import { slotFigures } from '../engines/slots.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';
import { startStandalone } from '../lib/standalone.js';
import { RunEnds } from '../notice/runs.js';

/** Of most bases: 20 to 200 MB, compressed. */
const baseBytes = 50_000_000;

/** Something to do that is quick: what Plinth adds shows the most. */
const dockerfileOf = (base: string): string =>
  `FROM ${base}\nARG ROUND\nCOPY Dockerfile /app/\nRUN echo "$ROUND" > /app/round\n`;

export const enginesBench: Bench = {
  name: 'engines',
  summary:
    "a run of Plinth from the request until its tag has moved, beside the engine's own command with the same push",
  run: async (context) => {
    await using folder = await tempDir('bench-engines');
    const registry = await startRegistry();
    try {
      const digest = await registry.pushBase('base', '1', 'bench', { padding: baseBytes });
      const reference = `${registry.host}/base:1`;
      const figures: Figure[] = [];
      for (const { name } of bareEngines('', '')) {
        const dataDir = join(folder.path, `data-${name}`);
        const [engine] = bareEngines(dataDir, folder.path).filter((one) => one.name === name);
        if (!engine || !isThere(engine.program)) {
          context.say(`${name} is left out: ${engine?.program} is not on this machine`);
          continue;
        }
        figures.push(await beside(engine, { context, registry, dataDir, folder: folder.path }));
      }
      const base = { reference, digest };
      const dockerfile = dockerfileOf(reference);
      figures.push(...(await slotFigures({ context, registry, folder: folder.path, base, dockerfile, isThere })));
      return figures;
    } finally {
      await registry.stop();
      await unmountBelow(folder.path);
    }
  },
};

interface Place {
  readonly context: BenchContext;
  readonly registry: TestRegistry;
  readonly dataDir: string;
  readonly folder: string;
}

const beside = async (engine: BareEngine, { context, registry, dataDir, folder }: Place): Promise<Figure> => {
  const { host } = registry;
  const contextDir = join(folder, 'context');
  const dockerfile = dockerfileOf(`${host}/base:1`);
  await mkdir(contextDir, { recursive: true });
  await writeFile(join(contextDir, 'Dockerfile'), dockerfile);
  await using plinth = await startStandalone({
    dataDir,
    env: { PLINTH_ENGINE: engine.name, PLINTH_BUILD_NETWORK: 'host', PLINTH_LOG_LEVEL: 'warn' },
  });
  const client = createClient({ baseUrl: plinth.url, token: plinth.token });
  const ends = new RunEnds(client);
  try {
    await client.createRegistry({ host, kind: 'Distribution', scheme: 'http' });
    const { contextPath } = await client.uploadContext(
      {},
      await tarGzOf([{ name: 'Dockerfile', content: dockerfile }]),
    );
    const name = `with-${engine.name}`;
    await client.createTask({
      name,
      platforms: [hostPlatform],
      step: { type: 'Docker', contextPath, imageNames: [`${host}/${name}:1`] },
      trigger: { baseImageTrigger: null },
    });
    let runs = 0;
    const ours = async (round: number): Promise<number> =>
      seconds(async () => {
        runs++;
        const list = [{ name: 'ROUND', value: `ours ${round}` }];
        await client.runTask({ name, overrideTaskStepProperties: { arguments: list } });
        await ends.succeeded(name, runs);
      });
    const bare = (round: number): Promise<number> =>
      seconds(() =>
        engine.build({ contextDir, image: `${host}/bare-${engine.name}:r${round + 1}`, round: `bare ${round}` }),
      );
    // The first of each starts what the later ones find running, and pulls the base.
    await ours(-1);
    await bare(-1);
    context.say(`${engine.name}: warm`);
    const found = await inTurn(context.size(30, 2), ours, bare);
    const more = median(found.ours.map((value, at) => value - (found.baseline[at] ?? 0))) * 1000;
    return {
      figure: `${engine.name}: from the request until the run has succeeded`,
      unit: 's',
      measured: median(found.ours),
      baseline: median(found.baseline),
      beside: `the same Dockerfile by ${engine.program}, with its push to the same registry`,
      ratio: found.ratio,
      goal: { text: '≤ 110 % or 100 ms more', met: found.ratio <= 1.1 || more <= 100 },
      notes: [
        `${found.ours.length} builds of each in turn on a base of ${baseBytes / 1e6} MB, each with one step that has to run; median difference ${more.toFixed(0)} ms`,
        `ours ${spread(found.ours, 2)} s, bare ${spread(found.baseline, 2)} s`,
        'ours includes the queue, every event on disk, reading the Dockerfile, provenance, and the move of the tag',
      ],
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}\nWhat Plinth wrote last:\n${plinth.output()}`, { cause: error });
  } finally {
    ends.close();
    client.close();
  }
};

const isThere = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
};
