import { createHash } from 'node:crypto';
import { taskDefinitionSchema, type Snapshot, type TaskDefinition, type ScannedInput } from '#libs/contracts';
import { definitionHash } from '#libs/domain';

/** Numbers from a seed (mulberry32): the same history on every machine. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

const indexType = 'application/vnd.oci.image.index.v1+json';

export const snapshotOf = (name: string, version: number, platforms: readonly string[]): Snapshot => ({
  digest: digestOf(`${name} ${version}`),
  mediaType: indexType,
  platforms: Object.fromEntries(platforms.map((platform) => [platform, digestOf(`${name} ${version} ${platform}`)])),
});

export interface WorldImage {
  readonly reference: string;
  version: number;
  snapshot: Snapshot;
  readonly consumers: WorldTask[];
}

export interface WorldTask {
  readonly name: string;
  readonly definition: TaskDefinition;
  readonly hash: string;
  readonly inputs: readonly ScannedInput[];
  /** What it tracks. */
  readonly bases: readonly WorldImage[];
  readonly output: WorldImage;
  /** 1 for those that stand on outside images alone. */
  readonly level: number;
}

export interface World {
  readonly roots: readonly WorldImage[];
  /** Upstream tasks come first. */
  readonly tasks: readonly WorldTask[];
  readonly platforms: readonly string[];
}

const platforms = ['linux/amd64', 'linux/arm64'];
const registry = 'registry.example.com';

const newImage = (reference: string): WorldImage => ({
  reference,
  version: 1,
  snapshot: snapshotOf(reference, 1, platforms),
  consumers: [],
});

export interface WorldOptions {
  readonly tasks: number;
  readonly roots: number;
  readonly depth: number;
  readonly random: () => number;
  /** Whether a base that moves starts runs; without it tasks become stale and stay so. */
  readonly triggers?: boolean;
}

/**
 * Outside images, few of which most tasks stand on, and tasks on them and on each other, up to `depth` levels: two
 * fifths on outside images, the others on tasks; every fifth also copies from a second image.
 */
export const makeWorld = (options: WorldOptions): World => {
  const { random, depth, triggers = true } = options;
  const pick = <T>(list: readonly T[], skew: number): T => list[Math.floor(list.length * random() ** skew)]!;
  const roots = Array.from({ length: options.roots }, (_, at) => newImage(`docker.io/library/base-${at}:stable`));
  const tasks: WorldTask[] = [];
  /** Tasks that others may still stand on. */
  const standable: WorldTask[] = [];
  for (let at = 0; at < options.tasks; at++) {
    const above = at < options.roots || random() < 0.4 ? undefined : pick(standable, 2);
    const bases = [above ? above.output : pick(roots, 2)];
    const second = random() < 0.2 ? pick(roots, 2) : undefined;
    if (second && !bases.includes(second)) bases.push(second);
    const task = newTask(at, bases, (above?.level ?? 0) + 1, triggers);
    for (const base of bases) base.consumers.push(task);
    tasks.push(task);
    if (task.level < depth) standable.push(task);
  }
  return { roots, tasks, platforms };
};

const newTask = (at: number, bases: readonly WorldImage[], level: number, triggers: boolean): WorldTask => {
  const name = `app-${at}`;
  const team = `team-${at % 40}`;
  const output = newImage(`${registry}/${team}/${name}:latest`);
  const definition = taskDefinitionSchema.parse({
    name,
    team,
    platforms,
    step: {
      type: 'Docker',
      contextPath: `https://git.example.com/${team}/${name}.git#main`,
      imageNames: [output.reference, `${registry}/${team}/${name}:{{.Run.ID}}`],
      arguments: [{ name: 'REVISION', value: String(at) }],
    },
    trigger: { baseImageTrigger: { baseImageTriggerType: 'All', status: triggers ? 'Enabled' : 'Disabled' } },
    tags: { service: name, stage: 'production' },
  });
  const inputs = bases.map(({ reference }, index): ScannedInput => ({
    reference,
    role: index === 0 ? 'base' : 'copy',
    via: 'direct',
    stage: null,
    line: index * 3 + 1,
    platforms,
    pinned: false,
  }));
  return { name, definition, hash: definitionHash(definition), inputs, bases, output, level };
};
