import type { RunState } from '#libs/domain';

/** Classes of urgency, the most urgent first. Within one, teams have fair shares. */
export const priorities = ['Interactive', 'SourceChange', 'UrgentBase', 'Base', 'Timer', 'HalfOpen'] as const;

export interface Candidate {
  readonly run: string;
  /** Sequence of its last event; older runs of one class and team go first. */
  readonly sequence: number;
  readonly state: RunState;
}

const occupies = ({ phase }: RunState) => phase === 'Dispatched' || phase === 'Started' || phase === 'Built';

/**
 * Which runs are dispatched now. Late binding: no more than free slots can take, so that a run that a person waits for
 * never stands behind thousands of routine ones. One run of a task at a time.
 *
 * @param slots of each pool
 * @param now milliseconds since the epoch
 */
export const planDispatch = (
  runs: Iterable<Candidate>,
  slots: ReadonlyMap<string, number>,
  now: number,
): { run: string; pool: string }[] => {
  const free = new Map(slots);
  const busyTasks = new Set<string>();
  const teamLoad = new Map<string, number>();
  const waiting: (Candidate & { pool: string; team: string; urgency: number })[] = [];
  for (const candidate of runs) {
    const { queued, phase, retryAt } = candidate.state;
    if (!queued) continue;
    const { agentPoolName: pool, team } = queued.definition;
    if (occupies(candidate.state)) {
      free.set(pool, (free.get(pool) ?? 0) - 1);
      teamLoad.set(team, (teamLoad.get(team) ?? 0) + 1);
      if (queued.task) busyTasks.add(queued.task);
    } else if (phase === 'Queued' && (retryAt === null || Date.parse(retryAt) <= now)) {
      waiting.push({ ...candidate, pool, team, urgency: priorities.indexOf(queued.priority) });
    }
  }
  waiting.sort((a, b) => a.urgency - b.urgency || a.sequence - b.sequence);
  const chosen: { run: string; pool: string }[] = [];
  while (waiting.length > 0) {
    let best = -1;
    for (const [index, { pool, team, urgency, state }] of waiting.entries()) {
      if (best >= 0 && urgency > waiting[best]!.urgency) break;
      if ((free.get(pool) ?? 0) <= 0 || (state.queued?.task && busyTasks.has(state.queued.task))) continue;
      if (best < 0 || (teamLoad.get(team) ?? 0) < (teamLoad.get(waiting[best]!.team) ?? 0)) best = index;
    }
    if (best < 0) break;
    const [next] = waiting.splice(best, 1);
    const { run, pool, team, state } = next!;
    chosen.push({ run, pool });
    free.set(pool, free.get(pool)! - 1);
    teamLoad.set(team, (teamLoad.get(team) ?? 0) + 1);
    if (state.queued?.task) busyTasks.add(state.queued.task);
  }
  return chosen;
};
