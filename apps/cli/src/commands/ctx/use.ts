import { Argument, type Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../../command.js';
import { CliError } from '../../errors.js';
import { wouldBe } from '../../requests/dry-run.js';
import { readContexts, withoutToken, writeContexts } from '../../settings/contexts.js';
import { contextsFile } from '../../settings/files.js';

export default command<{ readonly dryRun?: boolean }, [string]>({
  describe: (use: Command) =>
    use
      .addArgument(new Argument('<context>', 'name of the context'))
      .option('--dry-run', 'print the context that would be in use, and write nothing'),

  async run(session, { dryRun }, name) {
    const { io, printer } = session;
    const file = contextsFile(io.env);
    const { contexts } = await readContexts(file);
    const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
    if (!context) throw new CliError(`There is no context ${name}.`, exitCodes.notFound, 'plinth ctx list');
    if (dryRun) return wouldBe(session, withoutToken(name, context), 'changed');
    await writeContexts(file, { current: name, contexts });
    printer.note(`Commands now talk to ${context.server}.`);
  },
});
