/** Four builds at a time: in one store, or in four. Each engine as Plinth has it, beside the other way. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BuildahEngine,
  BuildKitEngine,
  DockerBuildxEngine,
  ManagedBuildkitd,
  ManagedDockerd,
  type Engine,
} from '../../../apps/builder/src/engines/index.js';
import type { TestRegistry } from '../../../apps/builder/src/engines/testing/registry.js';
import { requestOf } from '../../../apps/builder/src/engines/testing/request.js';
import { type BenchContext, type Figure } from '../bench.js';
import { inTurn, median, seconds, spread } from '../lib/stats.js';
import { run, storeOf } from './bare.js';

export interface SlotsPlace {
  readonly context: BenchContext;
  readonly registry: TestRegistry;
  readonly folder: string;
  /** Canonical name and digest of what is built on. */
  readonly base: { readonly reference: string; readonly digest: string };
  readonly dockerfile: string;
  isThere(program: string): boolean;
}

const parallel = 4;

const daemons = [
  {
    name: 'docker',
    program: 'docker-buildx',
    make: (dir: string): Engine =>
      new DockerBuildxEngine({ workDir: join(dir, 'jobs'), daemon: new ManagedDockerd({ dir: join(dir, 'docker') }) }),
  },
  {
    name: 'buildkit',
    program: 'buildctl',
    make: (dir: string): Engine =>
      new BuildKitEngine({ workDir: join(dir, 'jobs'), daemon: new ManagedBuildkitd({ dir: join(dir, 'buildkit') }) }),
  },
];

export const slotFigures = async (place: SlotsPlace): Promise<Figure[]> => {
  const figures: Figure[] = [];
  for (const { name, program, make } of daemons) {
    if (place.isThere(program)) figures.push(await oneDaemon(name, make, place));
  }
  if (place.isThere('buildah')) figures.push(await storesOfBuildah(place));
  return figures;
};

/** Builds a minute, four at a time; each has something to do that none before it had. */
type Rate = (round: number) => Promise<number>;

const rateOf = (builds: number, one: (id: string, at: number) => Promise<void>): Rate => {
  let made = 0;
  return async (round) => {
    const rest = Array.from({ length: builds }, () => ++made);
    const worker = async (slot: number): Promise<void> => {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) await one(`${round}-${next}`, slot);
    };
    const time = await seconds(() => Promise.all(Array.from({ length: parallel }, (_, slot) => worker(slot))));
    return (builds * 60) / time;
  };
};

const build = async (engine: Engine, { registry, folder, base, dockerfile }: SlotsPlace, id: string): Promise<void> => {
  const request = await requestOf(
    join(folder, `slots-${id}`),
    { Dockerfile: dockerfile },
    {
      pins: [base],
      registries: [{ registry: registry.host, scheme: 'http' }],
      buildArgs: { ROUND: id },
      network: 'host',
    },
  );
  const outcome = await engine.build(request);
  if (outcome.kind !== 'built') throw new Error(`${engine.name} did not build: ${JSON.stringify(outcome)}`);
};

const figureOf = async (
  { context: { size, say } }: SlotsPlace,
  builds: number,
  ours: Rate,
  other: Rate,
  words: Pick<Figure, 'figure' | 'beside'>,
): Promise<Figure> => {
  await ours(-1);
  await other(-1);
  say(`${words.figure}: warm`);
  const found = await inTurn(size(5, 1), ours, other);
  return {
    ...words,
    unit: '/min',
    measured: median(found.ours),
    baseline: median(found.baseline),
    ratio: found.ratio,
    goal: null,
    notes: [
      `${found.ours.length} rounds of ${builds} builds in turn; ours ${spread(found.ours)} /min, the other ${spread(found.baseline)} /min`,
    ],
  };
};

/** BuildKit shares what builds at the same time have in common, and keeps them apart by itself. */
const oneDaemon = async (name: string, make: (dir: string) => Engine, place: SlotsPlace): Promise<Figure> => {
  const builds = place.context.size(16, parallel);
  const folders = ['one', '0', '1', '2', '3'].map((at) => join(place.folder, `${name}-daemon-${at}`));
  const [one, ...each] = folders.map(make) as [Engine, ...Engine[]];
  try {
    for (const engine of [one, ...each]) await engine.cleanup();
    const words = {
      figure: `${name}: builds four at a time in one daemon, as Plinth has it`,
      beside: 'the same in four daemons, one for each slot',
    };
    return await figureOf(
      place,
      builds,
      rateOf(builds, (id) => build(one, place, `${name}-one-${id}`)),
      rateOf(builds, (id, slot) => build(each[slot] ?? one, place, `${name}-each-${id}`)),
      words,
    );
  } finally {
    for (const engine of [one, ...each]) await engine.close();
  }
};

/** Buildah locks its store, and sweeps all of it after a build that was ended. */
const storesOfBuildah = async (place: SlotsPlace): Promise<Figure> => {
  const { folder, dockerfile } = place;
  const builds = place.context.size(16, parallel);
  const engine = new BuildahEngine({ dir: join(folder, 'slots'), slots: parallel });
  await engine.cleanup();
  const storage = await storeOf(join(folder, 'shared-store'));
  const contextDir = join(folder, 'shared-context');
  await mkdir(contextDir, { recursive: true });
  await writeFile(join(contextDir, 'Dockerfile'), dockerfile);
  const shared = async (id: string): Promise<void> => {
    const image = `localhost/shared:${id}`;
    const isolation = ['--isolation=oci', '--runtime=runc', '--network=host', '--tls-verify=false'];
    await run(
      'buildah',
      ['build', '--layers', ...isolation, `--build-arg=ROUND=${id}`, `--tag=${image}`, contextDir],
      storage,
    );
    await run('buildah', ['push', image, `oci:${join(folder, `shared-build-${id}`)}`], storage);
  };
  const words = {
    figure: 'buildah: builds four at a time, each slot with its own store, as Plinth has it',
    beside: 'the same commands, four at a time, in one store',
  };
  try {
    return await figureOf(
      place,
      builds,
      rateOf(builds, (id) => build(engine, place, `buildah${id}`)),
      rateOf(builds, (id) => shared(`s${id}`)),
      words,
    );
  } finally {
    await engine.close();
  }
};
