import { Argument, type Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../../command.js';
import { CliError } from '../../errors.js';
import { readContexts, writeContexts } from '../../settings/contexts.js';
import { contextsFile } from '../../settings/files.js';

export default command<object, [string]>({
  describe: (use: Command) => use.addArgument(new Argument('<context>', 'name of the context')),

  async run({ io, printer }, _options, name) {
    const file = contextsFile(io.env);
    const { contexts } = await readContexts(file);
    const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
    if (!context) throw new CliError(`There is no context ${name}.`, exitCodes.notFound, 'plinth ctx list');
    await writeContexts(file, { current: name, contexts });
    printer.note(`Commands now talk to ${context.server}.`);
  },
});
