import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildahEngine } from '../../../apps/builder/src/engines/index.js';
import { unmountBelow } from '../../../apps/builder/src/engines/leftovers.js';
import { hostPlatform, startRegistry, type TestRegistry } from '../../../apps/builder/src/engines/testing/registry.js';
import { requestOf } from '../../../apps/builder/src/engines/testing/request.js';
import { createClient } from '#libs/client';
import { tempDir } from '#libs/testing';
import { tarGzOf } from '../../../libs/context/src/testing/tar.js';
import { type Bench, type BenchContext, type Figure } from '../bench.js';
import { bareEngines, run, storeOf, type BareEngine } from '../engines/bare.js';
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
      await registry.pushBase('base', '1', 'bench', baseBytes);
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
      if (isThere('buildah')) figures.push(await slots(context, registry, folder.path));
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
      seconds(() => engine.build({ contextDir, image: `${host}/bare-${engine.name}:1`, round: `bare ${round}` }));
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

const parallel = 4;

/** Four slots with a store each, beside four at a time in one store. */
const slots = async ({ size, say }: BenchContext, registry: TestRegistry, folder: string): Promise<Figure> => {
  const base = `${registry.host}/base:1`;
  const digest = await registry.pushBase('base', '1', 'bench', baseBytes);
  const builds = size(16, parallel);
  const engine = new BuildahEngine({ dir: join(folder, 'slots'), slots: parallel });
  await engine.cleanup();
  const storage = await storeOf(join(folder, 'shared-store'));
  const contextDir = join(folder, 'shared-context');
  await mkdir(contextDir, { recursive: true });
  await writeFile(join(contextDir, 'Dockerfile'), dockerfileOf(base));
  let made = 0;
  const inSlots = async (round: number): Promise<number> => {
    const one = async (at: number): Promise<void> => {
      const outcome = await engine.build(
        await requestOf(
          join(folder, `slot-build-${++made}`),
          { Dockerfile: dockerfileOf(base) },
          {
            pins: [{ reference: base, digest }],
            registries: [{ registry: registry.host, scheme: 'http' }],
            buildArgs: { ROUND: `${round} ${at}` },
            network: 'host',
          },
        ),
      );
      if (outcome.kind !== 'built') throw new Error(`A build in a slot did not succeed: ${JSON.stringify(outcome)}`);
    };
    return (builds * 60) / (await seconds(() => inParallel(builds, one)));
  };
  const shared = async (round: number): Promise<number> => {
    const one = async (at: number): Promise<void> => {
      const image = `localhost/shared:${round + 1}-${at}`;
      await run(
        'buildah',
        [
          'build',
          '--layers',
          '--isolation=oci',
          '--runtime=runc',
          '--network=host',
          '--tls-verify=false',
          `--build-arg=ROUND=${round} ${at}`,
          `--tag=${image}`,
          contextDir,
        ],
        storage,
      );
      await run('buildah', ['push', image, `oci:${join(folder, `shared-build-${++made}`)}`], storage);
    };
    return (builds * 60) / (await seconds(() => inParallel(builds, one)));
  };
  await inSlots(-1);
  await shared(-1);
  say('buildah: four slots are warm');
  const found = await inTurn(size(5, 1), inSlots, shared);
  await engine.close();
  return {
    figure: 'buildah: builds in four slots, each with its own store',
    unit: '/min',
    measured: median(found.ours),
    baseline: median(found.baseline),
    beside: 'the same commands, four at a time, in one store',
    ratio: found.ratio,
    goal: null,
    notes: [
      `${found.ours.length} rounds of ${builds} builds in turn; ours ${spread(found.ours)} /min, shared ${spread(found.baseline)} /min`,
    ],
  };
};

const inParallel = async (count: number, one: (at: number) => Promise<void>): Promise<void> => {
  const rest = Array.from({ length: count }, (_, at) => at);
  const worker = async (): Promise<void> => {
    for (let at = rest.shift(); at !== undefined; at = rest.shift()) await one(at);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
};

const isThere = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
};
