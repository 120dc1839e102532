import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { registryHost } from '../../parsers.js';
import { registryFields } from '../../views/registry.js';

export default command<object, [string]>({
  describe: (show: Command) => show.addArgument(new Argument('<registry>', 'its host').argParser(registryHost)),

  watches: 'registry,tag',

  async run({ client, printer }, _options, host) {
    const registry = await (await client()).getRegistry({ host });
    await printer.show({ item: registry, name: host, fields: registryFields(registry) });
  },
});
