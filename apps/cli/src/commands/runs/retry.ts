import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { duration, runId } from '../../parsers.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';
import { addRunOptions, finish, type RunOptions } from './started.js';

interface Options extends RunOptions {
  readonly dryRun?: boolean;
}

export default command<Options, [string]>({
  describe: (retry: Command) =>
    addRunOptions(retry.addArgument(new Argument('<run>', 'id of the run').argParser(runId)))
      .option('--timeout <time>', 'wait so long for its end, such as 10m', duration)
      .option(...sendsNothing),

  async run(session, options, id) {
    if (options.dryRun) return dryRun(session, 'retryRun', { run: id });
    return finish(session, await (await session.client()).retryRun({ run: id }), options);
  },
});
