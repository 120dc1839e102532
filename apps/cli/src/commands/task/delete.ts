import type { Command } from 'commander';
import { command } from '../../command.js';
import { confirm } from '../../requests/confirm.js';
import { dryRun } from '../../requests/dry-run.js';
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
      .option('--dry-run', 'print what would be sent, and send nothing'),

  async run(session, options, argument) {
    const name = nameOf(options, argument);
    if (options.dryRun) return dryRun(session, 'deleteTask', { name });
    await confirm(session, `Delete the task ${name}? Its runs and images stay.`, options.yes);
    await (await session.client()).deleteTask({ name });
    session.printer.note(`Deleted the task ${name}.`);
  },
});
