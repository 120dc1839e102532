import type { Output } from '#libs/contracts';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { fromOwnLoop } from '../model/staleness.js';
import { familiar } from '../reasons/reason.js';
import { median, spoken } from './duration.js';

export type Impacted = Output<'getImpact'>['tasks'][number];
export type Impact = Pick<Output<'getImpact'>, 'builds' | 'depth' | 'held' | 'seconds' | 'tasks'>;

/** A task that the move reaches, and what of it. */
interface Reached {
  readonly task: TaskNode;
  readonly through: string[];
  readonly held: Impacted['held'];
  readonly pool: string;
  level: number;
  /** Reached tasks that it waits for and that are not built yet. */
  waitsFor: number;
  readonly below: Reached[];
  startsAfter: number | null;
}

const heldBy = (task: TaskNode, slots: ReadonlyMap<string, number>): Impacted['held'] => {
  if (!task.isDefined || !task.isBuilt) return 'Unbuilt';
  if (!task.isEnabled) return 'Disabled';
  if (!task.isTriggered) return 'TriggerDisabled';
  return (slots.get(task.pool) ?? 0) > 0 ? null : 'NoBuilder';
};

/**
 * Tasks that become stale when these images move, and when what is built of them moves in turn; by the same rules as
 * when they really do: tracked inputs alone, nothing inside a loop, nothing through a task that is not rebuilt by itself.
 */
const reachedFrom = (
  model: GraphModel,
  from: readonly string[],
  slots: ReadonlyMap<string, number>,
): Map<TaskNode, Reached> => {
  const reached = new Map<TaskNode, Reached>();
  const open: { readonly reference: string; readonly by: Reached | null }[] = from.map((reference) => ({
    reference,
    by: null,
  }));
  for (const { reference, by } of open) {
    const image = model.images.get(reference);
    for (const task of image?.consumers ?? []) {
      if (!task.isDefined || fromOwnLoop(task, image!)) continue;
      let one = reached.get(task);
      if (!one) {
        const { pool } = task;
        const held = heldBy(task, slots);
        one = { task, through: [], held, pool, level: 1, waitsFor: 0, below: [], startsAfter: null };
        reached.set(task, one);
        // Each image that it pushes moves once, however often it is reached itself.
        if (held === null) for (const output of task.outputs) open.push({ reference: output, by: one });
      }
      if (!one.through.includes(reference)) one.through.push(reference);
      if (by && !by.below.includes(one)) {
        by.below.push(one);
        one.waitsFor += 1;
      }
    }
  }
  return reached;
};

/**
 * Plays the builds through: each begins as soon as all that it waits for are done and its pool has a free slot, the one
 * that waits longest first.
 *
 * @returns when the last one ends, in seconds
 */
const play = (all: Iterable<Reached>, slots: ReadonlyMap<string, number>, secondsOf: (task: TaskNode) => number) => {
  const free = new Map(slots);
  const ready = new Map<string, { readonly queue: Reached[]; next: number }>();
  const running: { readonly one: Reached; readonly ends: number }[] = [];
  let now = 0;
  const offer = (some: Reached[]): void => {
    for (const one of some.sort((a, b) => (a.task.name < b.task.name ? -1 : 1))) {
      const line = ready.get(one.pool) ?? { queue: [], next: 0 };
      ready.set(one.pool, line);
      line.queue.push(one);
    }
    for (const [pool, line] of ready) {
      for (let left = free.get(pool) ?? 0; left > 0 && line.next < line.queue.length; left -= 1) {
        const one = line.queue[line.next++]!;
        free.set(pool, left - 1);
        one.startsAfter = now;
        running.push({ one, ends: now + secondsOf(one.task) });
      }
    }
  };
  offer([...all].filter(({ held, waitsFor }) => held === null && waitsFor === 0));
  while (running.length > 0) {
    // There are as many as there are slots: too few to keep them sorted.
    let first = 0;
    for (let at = 1; at < running.length; at += 1) if (running[at]!.ends < running[first]!.ends) first = at;
    const [{ one, ends }] = running.splice(first, 1) as [(typeof running)[number]];
    now = ends;
    free.set(one.pool, (free.get(one.pool) ?? 0) + 1);
    const next: Reached[] = [];
    for (const below of one.below) {
      below.level = Math.max(below.level, one.level + 1);
      below.waitsFor -= 1;
      if (below.waitsFor === 0 && below.held === null) next.push(below);
    }
    offer(next);
  }
  return now;
};

/**
 * What would be rebuilt if these images moved now.
 *
 * @param slots of the builders that are there, by pool
 */
export const impactOf = (model: GraphModel, from: readonly string[], slots: ReadonlyMap<string, number>): Impact => {
  const reached = reachedFrom(model, from, slots);
  const usual = new Map<TaskNode, number | undefined>();
  for (const { task } of reached.values()) usual.set(task, median(task.durations));
  const known = [...usual.values()].filter((seconds) => seconds !== undefined);
  const typical = median(known) ?? median([...model.tasks.values()].flatMap(({ durations }) => durations.slice(0, 1)));
  const seconds = play(reached.values(), slots, (task) => usual.get(task) ?? typical ?? 0);
  const isKnown = typical !== undefined;
  const order = [...reached.values()].sort(
    (a, b) =>
      Number(a.held !== null) - Number(b.held !== null) ||
      (a.startsAfter ?? 0) - (b.startsAfter ?? 0) ||
      a.level - b.level ||
      (a.task.name < b.task.name ? -1 : 1),
  );
  const builds = order.filter(({ held }) => held === null);
  return {
    builds: builds.length,
    depth: builds.reduce((most, { level }) => Math.max(most, level), 0),
    held: order.length - builds.length,
    seconds: isKnown || builds.length === 0 ? seconds : null,
    tasks: order.map(({ task, level, through, pool, held, startsAfter }) => ({
      task: task.name,
      team: task.team,
      level,
      through,
      pool,
      usualSeconds: usual.get(task) ?? null,
      startsAfterSeconds: isKnown ? startsAfter : null,
      held,
    })),
  };
};

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

export const impactText = (
  references: readonly string[],
  { builds, depth, held, seconds, tasks }: Impact,
  slots: ReadonlyMap<string, number>,
): string => {
  const moved = `If ${references.map(familiar).join(' and ')} moved now`;
  const left =
    held === 0 ? '' : ` ${counted(held, 'task')} that would become stale would not be rebuilt without a person.`;
  if (builds === 0) return `${moved}, nothing would be rebuilt.${left}`;
  const pools = new Set(tasks.flatMap(({ pool, held: why }) => (why === null ? [pool] : [])));
  const all = [...pools].reduce((sum, pool) => sum + (slots.get(pool) ?? 0), 0);
  const time = seconds === null ? '' : `, in about ${spoken(seconds)} with ${counted(all, 'slot')}`;
  return `${moved}, ${counted(builds, 'task')} would be rebuilt, each once, on ${counted(depth, 'level')}${time}.${left}`;
};
