import type { Command } from 'commander';
import { command } from '../../command.js';
import { confirm } from '../../requests/confirm.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';
import { addAzureOptions } from './azure.js';
import { named, nameOf, type Named } from './named.js';

interface Options extends Named {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export default command<Options, [string | undefined]>({
  describe: (remove: Command) =>
    named(addAzureOptions(remove))
      .option('-y, --yes', 'do not ask')
      .option(...sendsNothing),

  async run(session, options, argument) {
    const name = nameOf(options, argument);
    if (options.dryRun) return dryRun(session, 'deleteTask', { name });
    await confirm(session, `Delete the task ${name}? Its runs and images stay.`, options.yes);
    await (await session.client()).deleteTask({ name });
    session.printer.note(`Deleted the task ${name}.`);
  },
});
