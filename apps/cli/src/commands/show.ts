import type { Command } from 'commander';
import { command } from '../command.js';
import { registryHost } from '../parsers.js';
import { registryOf } from '../requests/image-names.js';
import { registryFields } from '../views/registry.js';
import { addAzureOptions } from './task/azure.js';

/** `az acr show`: a registry, with the fields that az's scripts ask for. */
export default command<{ readonly name: string }>({
  describe: (show: Command) =>
    addAzureOptions(show).requiredOption('-n, --name <registry>', 'registry, as -r takes it', registryHost),

  async run(session, { name }) {
    const host = (await registryOf(session, name))!;
    const registry = await (await session.client()).getRegistry({ host });
    const item = { id: `/registries/${host}`, name, loginServer: host, ...registry };
    await session.printer.show({ item, name: host, fields: registryFields(registry) });
  },
});
