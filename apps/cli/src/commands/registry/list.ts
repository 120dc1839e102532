import { command } from '../../command.js';
import { allPages } from '../../pages.js';
import { registryColumns } from '../../views/registry.js';

export default command({
  watches: 'registry,tag',

  async run({ client, printer }) {
    const plinth = await client();
    const items = await allPages(
      (page) => plinth.listRegistries(page),
      ({ registries }) => registries,
    );
    await printer.list({
      items,
      columns: registryColumns,
      name: ({ host }) => host,
      empty:
        'No registry is known; those that nobody made known are reached by https, without a login. Add one: plinth registry add HOST',
    });
  },
});
