import type { Owners } from '#libs/service';
import type { SchedulerService } from './scheduler.service.js';

/** Whose the things are that the scheduler keeps. A run is of the team that its task was of when it was queued. */
export const ownersOf = ({ projection, tasks, webhooks, runtime }: SchedulerService): Owners => ({
  // Of the store, not of the view: a task that this process has just created is known here at once.
  task: (name) => tasks.get(name).state.definition?.team,
  webhook: (name) => webhooks.get(name).state.definition?.team,
  run: (run) => projection.run(run)?.team,
  secret: async (name) => (await runtime.secrets.info(name))?.team,
});
