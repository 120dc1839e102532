import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { exitOf, followRun } from '../../follow/run.js';
import { duration, runId } from '../../parsers.js';
import type { Session } from '../../session.js';
import { runFields } from '../../views/run.js';

export const showRun = async ({ client, printer }: Session, id: string): Promise<void> => {
  const run = await (await client()).getRun({ run: id });
  await printer.show({ item: run, name: run.runId, fields: runFields(run, new Date()) });
};

interface Options {
  readonly wait?: boolean;
  readonly timeout?: number;
}

export default command<Options, [string]>({
  describe: (show: Command) =>
    show
      .addArgument(new Argument('<run>', 'id of the run').argParser(runId))
      .option('--wait', 'wait for its end first; the exit code is that of its result')
      .option('--timeout <time>', 'wait so long at most, such as 10m', duration),

  async run(session, { wait, timeout }, id) {
    if (!wait) return showRun(session, id);
    await (await session.client()).getRun({ run: id });
    const run = await followRun(session, id, { timeoutMs: timeout });
    await session.printer.show({ item: run, name: run.runId, fields: runFields(run, new Date()) });
    return exitOf(run);
  },
});
