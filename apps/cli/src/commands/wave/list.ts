import { Option, type Command } from 'commander';
import { command } from '../../command.js';
import { allPages } from '../../pages.js';
import { wholeNumber } from '../../parsers.js';
import { waveColumns } from '../../views/wave.js';

interface Options {
  readonly open?: boolean;
  readonly limit: number;
}

export default command<Options>({
  describe: (list: Command) =>
    list
      .option('--open', 'only those that are not closed')
      .addOption(new Option('--limit <count>', 'the newest so many').argParser(wholeNumber(1, 100_000)).default(20)),

  watches: 'wave,run,rebuild',

  async run({ client, printer }, { open, limit }) {
    const plinth = await client();
    const items = await allPages(
      (page) => plinth.listWaves({ ...page, ...(open ? { open } : {}) }),
      ({ waves }) => waves,
      limit,
    );
    await printer.list({
      items,
      columns: waveColumns(new Date()),
      name: ({ wave }) => wave,
      empty: open ? 'No wave is open.' : 'There was no wave yet: one opens when a base image moves.',
    });
  },
});
