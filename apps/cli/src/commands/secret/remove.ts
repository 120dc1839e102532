import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { accessName } from '../../parsers.js';
import { confirm } from '../../requests/confirm.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';

interface Options {
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export default command<Options, [string]>({
  describe: (remove: Command) =>
    remove
      .addArgument(new Argument('<secret>', 'name of the secret').argParser(accessName))
      .option('-y, --yes', 'do not ask')
      .option('--force', 'even if a task or a registry names it')
      .option(...sendsNothing),

  async run(session, options, name) {
    if (options.dryRun) return dryRun(session, 'deleteSecret', { name, ...(options.force ? { force: 'true' } : {}) });
    await confirm(session, `Remove the secret ${name}? What names it can be built no more.`, options.yes);
    await (await session.client()).deleteSecret({ name, ...(options.force ? { force: true } : {}) });
    session.printer.note(`Removed the secret ${name}.`);
  },
});
