import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { registryHost } from '../../parsers.js';
import { confirm } from '../../requests/confirm.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';

interface Options {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export default command<Options, [string]>({
  describe: (remove: Command) =>
    remove
      .addArgument(new Argument('<registry>', 'its host').argParser(registryHost))
      .option('-y, --yes', 'do not ask')
      .option(...sendsNothing),

  async run(session, options, host) {
    if (options.dryRun) return dryRun(session, 'deleteRegistry', { host });
    await confirm(session, `Forget the registry ${host}, with its login?`, options.yes);
    await (await session.client()).deleteRegistry({ host });
    session.printer.note(`Forgot the registry ${host}.`);
  },
});
