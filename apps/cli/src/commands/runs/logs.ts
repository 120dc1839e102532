import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { exitOf, followRun } from '../../follow/run.js';
import { duration, runId } from '../../parsers.js';
import type { Session } from '../../session.js';

export interface LogsOptions {
  readonly follow?: boolean;
  readonly timeout?: number;
}

/** Prints the log of a run: its lines, or with `-o json` each line with time, stream and step. */
export const printLogs = async (
  session: Session,
  run: string,
  { follow, timeout }: LogsOptions,
): Promise<number | void> => {
  const { client, printer } = session;
  const plinth = await client();
  if (!follow) {
    for await (const line of plinth.getRunLogs({ run })) await printer.item(line, () => line.text);
    return;
  }
  await plinth.getRun({ run });
  if (printer.format === 'table' || printer.format === 'wide') {
    return exitOf(await followRun(session, run, { timeoutMs: timeout, onLine: (text) => printer.lines([text]) }));
  }
  for await (const line of plinth.getRunLogs({ run, follow: true })) await printer.item(line, () => line.text);
  return exitOf(await followRun(session, run, { timeoutMs: timeout }));
};

export default command<LogsOptions, [string]>({
  describe: (logs: Command) =>
    logs
      .addArgument(new Argument('<run>', 'id of the run').argParser(runId))
      .option('-f, --follow', 'wait for more until the run ends; the exit code is that of its result')
      .option('--timeout <time>', 'follow so long at most, such as 10m', duration),

  run: (session, options, run) => printLogs(session, run, options),
});
