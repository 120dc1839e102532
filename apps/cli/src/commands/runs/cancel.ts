import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { runId } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';
import type { Session } from '../../session.js';
import { runFields } from '../../views/run.js';

export const cancelRun = async ({ client, printer }: Session, id: string): Promise<void> => {
  const run = await (await client()).cancelRun({ run: id });
  await printer.show({ item: run, name: run.runId, fields: runFields(run, new Date()) });
  printer.note(run.finishTime === null ? `Run ${id} is being canceled.` : `Run ${id} has ended: it is ${run.status}.`);
};

export default command<{ readonly dryRun?: boolean }, [string]>({
  describe: (cancel: Command) =>
    cancel
      .addArgument(new Argument('<run>', 'id of the run').argParser(runId))
      .option('--dry-run', 'print what would be sent, and send nothing'),

  run: (session, options, id) => (options.dryRun ? dryRun(session, 'cancelRun', { run: id }) : cancelRun(session, id)),
});
