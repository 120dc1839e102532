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
  describe: (revoke: Command) =>
    revoke
      .addArgument(new Argument('<token>', 'name of the token').argParser(accessName))
      .option('-y, --yes', 'do not ask')
      .option(...sendsNothing),

  async run(session, options, name) {
    if (options.dryRun) return dryRun(session, 'revokeToken', { name });
    await confirm(session, `Revoke the token ${name}? Whoever uses it is refused at once.`, options.yes);
    await (await session.client()).revokeToken({ name });
    session.printer.note(`Revoked the token ${name}.`);
  },
});
