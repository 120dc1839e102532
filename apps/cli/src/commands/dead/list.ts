import type { Command } from 'commander';
import { command } from '../../command.js';
import { allPages } from '../../pages.js';
import { wholeNumber } from '../../parsers.js';
import { deadLetterColumns } from '../../views/dead-letter.js';

interface Options {
  readonly limit?: number;
}

export default command<Options>({
  describe: (list: Command) => list.option('--limit <count>', 'at most so many', wholeNumber(1, 1_000_000)),

  async run({ client, printer }, { limit }) {
    const plinth = await client();
    const items = await allPages(
      (page) => plinth.listDeadLetters(page),
      ({ deadLetters }) => deadLetters,
      limit,
    );
    await printer.list({
      items,
      columns: deadLetterColumns,
      name: ({ id }) => id,
      empty: 'There is nothing that could not be processed.',
    });
  },
});
