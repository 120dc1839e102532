import { Argument, type Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../../command.js';
import { CliError } from '../../errors.js';
import { wouldBe } from '../../requests/dry-run.js';
import { readContexts, withoutToken, writeContexts } from '../../settings/contexts.js';
import { contextsFile } from '../../settings/files.js';

export default command<{ readonly dryRun?: boolean }, [string]>({
  describe: (remove: Command) =>
    remove
      .addArgument(new Argument('<context>', 'name of the context'))
      .option('--dry-run', 'print the context that would go, and write nothing'),

  async run(session, { dryRun }, name) {
    const { io, printer } = session;
    const file = contextsFile(io.env);
    const { current, contexts } = await readContexts(file);
    if (!Object.hasOwn(contexts, name)) {
      throw new CliError(`There is no context ${name}.`, exitCodes.notFound, 'plinth ctx list');
    }
    const { [name]: removed, ...rest } = contexts;
    if (dryRun) return wouldBe(session, withoutToken(name, removed!), 'removed');
    await writeContexts(file, { current: current === name ? undefined : current, contexts: rest });
    printer.note(`Removed the context ${name}.`);
  },
});
