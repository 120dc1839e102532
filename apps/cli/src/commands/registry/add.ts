import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { registryHost } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';
import { registryFields } from '../../views/registry.js';
import { addRegistryOptions, registryParts, type RegistryOptions } from './options.js';

export default command<RegistryOptions, [string]>({
  describe: (add: Command) =>
    addRegistryOptions(
      add.addArgument(
        new Argument('<host>', 'its host, with its port, as it stands in references').argParser(registryHost),
      ),
    ),

  async run(session, options, host) {
    const input = { host, ...registryParts(options) };
    if (options.dryRun) return dryRun(session, 'createRegistry', input);
    const registry = await (await session.client()).createRegistry(input);
    await session.printer.show({ item: registry, name: host, fields: registryFields(registry) });
    session.printer.note(`Try it: plinth registry test ${host}`);
  },
});
