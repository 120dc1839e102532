import { taskStateSchema, type Grade, type Output, type TaskState } from '#libs/contracts';
import type { GraphModel } from '../model/graph-model.js';
import type { TaskNode } from '../model/nodes.js';
import { spoken } from './duration.js';
import { stateOf } from './state.js';

type Current = Output<'getCurrent'>;
type Freshness = Pick<Current, 'total' | 'fresh' | 'share' | 'counts' | 'oldest'>;
type GradedImage = Current['images'][number];

const dayMs = 86_400_000;

/**
 * How fresh what a task publishes is. What Red Hat's Container Health Index counts from known flaws, this counts from
 * how long an image has stood on what is not adopted any more.
 */
export const gradeOf = (state: TaskState, since: number | null, now: number): Grade => {
  switch (state) {
    case 'Unbuilt':
    case 'Unknown':
      return 'None';
    case 'Fresh':
      return 'A';
    case 'Behind':
      return 'B';
    case 'Stale':
    case 'Blocked': {
      const days = (now - (since ?? now)) / dayMs;
      return days < 1 ? 'B' : days < 7 ? 'C' : days < 30 ? 'D' : 'F';
    }
  }
};

const iso = (ms: number): string => new Date(ms).toISOString();

class Tally {
  private readonly counts = Object.fromEntries(taskStateSchema.options.map((state) => [state, 0])) as Record<
    TaskState,
    number
  >;
  private total = 0;
  private oldest: TaskNode | undefined;

  add(task: TaskNode, state: TaskState): void {
    this.counts[state] += 1;
    this.total += 1;
    if (task.unsettledSince !== null && task.unsettledSince < (this.oldest?.unsettledSince ?? Infinity)) {
      this.oldest = task;
    }
  }

  result(): Freshness {
    const { counts, total, oldest } = this;
    return {
      total,
      fresh: counts.Fresh,
      share: total === 0 ? 1 : counts.Fresh / total,
      counts,
      oldest: oldest ? { task: oldest.name, since: iso(oldest.unsettledSince!) } : null,
    };
  }
}

/** How much is fresh, of all and of each team, and the grade of every image that a task pushes; in order of tasks. */
export const currentOf = (
  model: GraphModel,
  now: number,
  wanted: { readonly team?: string | undefined; readonly grade?: Grade | undefined },
): Freshness & { readonly teams: Current['teams']; readonly images: GradedImage[] } => {
  const all = new Tally();
  const byTeam = new Map<string, Tally>();
  const images: GradedImage[] = [];
  for (const task of model.tasksByName()) {
    const { unsettledSince, team } = task;
    if (!task.isDefined || (wanted.team !== undefined && team !== wanted.team)) continue;
    const state = stateOf(task);
    all.add(task, state);
    const tally = byTeam.get(team) ?? new Tally();
    byTeam.set(team, tally);
    tally.add(task, state);
    const grade = gradeOf(state, unsettledSince, now);
    if (wanted.grade !== undefined && wanted.grade !== grade) continue;
    const since = unsettledSince === null ? null : iso(unsettledSince);
    for (const reference of task.outputs) {
      images.push({ reference, task: task.name, team, grade, state, since });
    }
  }
  const teams = [...byTeam].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...all.result(), teams: teams.map(([team, tally]) => ({ team, ...tally.result() })), images };
};

export const currentText = ({ total, fresh, share, oldest }: Freshness, now: number): string => {
  if (total === 0) return 'There is no task yet.';
  const tasks = `${fresh} of ${total} ${total === 1 ? 'task' : 'tasks'}`;
  // Rounded down: 100 % is said of all alone.
  const first = `${tasks} ${fresh === 1 ? 'is' : 'are'} fresh (${Math.floor(share * 100)} %)`;
  if (!oldest) return `${first}.`;
  return `${first}; ${oldest.task} has been stale or waiting for ${spoken((now - Date.parse(oldest.since)) / 1000)}.`;
};
