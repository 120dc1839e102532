import { Argument, type Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../../command.js';
import { CliError } from '../../errors.js';
import { readContexts, writeContexts } from '../../settings/contexts.js';
import { contextsFile } from '../../settings/files.js';

export default command<object, [string]>({
  describe: (remove: Command) => remove.addArgument(new Argument('<context>', 'name of the context')),

  async run({ io, printer }, _options, name) {
    const file = contextsFile(io.env);
    const { current, contexts } = await readContexts(file);
    if (!Object.hasOwn(contexts, name)) {
      throw new CliError(`There is no context ${name}.`, exitCodes.notFound, 'plinth ctx list');
    }
    const { [name]: _removed, ...rest } = contexts;
    await writeContexts(file, { current: current === name ? undefined : current, contexts: rest });
    printer.note(`Removed the context ${name}.`);
  },
});
