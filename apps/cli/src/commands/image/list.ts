import type { Command } from 'commander';
import { command } from '../../command.js';
import { allPages } from '../../pages.js';
import { registryHost, wholeNumber } from '../../parsers.js';
import { imageColumns } from '../../views/image.js';

interface Options {
  readonly registry?: string;
  readonly limit?: number;
}

export default command<Options>({
  describe: (list: Command) =>
    list
      .option('-r, --registry <registry>', 'only those of this registry', registryHost)
      .option('--limit <count>', 'at most so many', wholeNumber(1, 1_000_000)),

  watches: 'tag',

  async run({ client, printer }, { registry, limit }) {
    const plinth = await client();
    const items = await allPages(
      (page) => plinth.listImages({ ...page, ...(registry === undefined ? {} : { registry }) }),
      ({ images }) => images,
      limit,
    );
    await printer.list({
      items,
      columns: imageColumns,
      name: ({ reference }) => reference,
      empty: 'No image is watched: those are that a task stands on.',
    });
  },
});
