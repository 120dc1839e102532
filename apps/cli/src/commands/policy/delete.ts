import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { accessName } from '../../parsers.js';
import { confirm } from '../../requests/confirm.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';

interface Options {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export default command<Options, [string]>({
  describe: (remove: Command) =>
    remove
      .addArgument(new Argument('<policy>', 'its name').argParser(accessName))
      .option('-y, --yes', 'do not ask')
      .option(...sendsNothing),

  async run(session, options, name) {
    if (options.dryRun) return dryRun(session, 'deletePolicy', { name });
    await confirm(
      session,
      `Delete the policy ${name}? What it holds is judged by the one that fits next.`,
      options.yes,
    );
    await (await session.client()).deletePolicy({ name });
    session.printer.note(`Deleted the policy ${name}.`);
  },
});
