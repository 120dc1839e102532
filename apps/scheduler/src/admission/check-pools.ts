import type { TaskState } from '../tasks/task.decider.js';
import type { AggregateStore } from '#libs/event-log';
import { problem, type DiagnosticChecks } from '#libs/service';

/** Registers the look at the pools that tasks name: whether a builder works for each. */
export const checkPools = (
  checks: DiagnosticChecks,
  { tasks, slots }: { readonly tasks: AggregateStore<TaskState>; slots(): ReadonlyMap<string, number> },
): void =>
  checks.register('pools', 'each pool that a task names: whether a builder works for it', () => {
    const wanted = new Map<string, number>();
    for (const [, { state }] of tasks.all({ live: true })) {
      if (state.definition?.status !== 'Enabled') continue;
      const pool = state.definition.agentPoolName;
      wanted.set(pool, (wanted.get(pool) ?? 0) + 1);
    }
    const alive = slots();
    return [...wanted]
      .filter(([pool]) => !alive.has(pool))
      .map(([pool, count]) =>
        problem(
          'NO_BUILDER',
          `No builder works for the pool ${pool}, which ${count === 1 ? 'a task names' : `${count} tasks name`}: their runs wait.`,
          `start a builder with PLINTH_POOL=${pool}, or change agentPoolName of the tasks`,
        ),
      );
  });
