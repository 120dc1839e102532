import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { runId } from '../../parsers.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';
import type { Session } from '../../session.js';
import { runFields } from '../../views/run.js';

export interface CancelOptions {
  readonly dryRun?: boolean;
}

export const cancelRun = async (session: Session, id: string, { dryRun: isDry }: CancelOptions): Promise<void> => {
  const { client, printer } = session;
  if (isDry) return dryRun(session, 'cancelRun', { run: id });
  const run = await (await client()).cancelRun({ run: id });
  await printer.show({ item: run, name: run.runId, fields: runFields(run, new Date()) });
  printer.note(run.finishTime === null ? `Run ${id} is being canceled.` : `Run ${id} has ended: it is ${run.status}.`);
};

export default command<CancelOptions, [string]>({
  describe: (cancel: Command) =>
    cancel.addArgument(new Argument('<run>', 'id of the run').argParser(runId)).option(...sendsNothing),

  run: (session, options, id) => cancelRun(session, id, options),
});
