import type { Command } from 'commander';
import { command } from '../../command.js';
import { allPages } from '../../pages.js';
import { teamName, wholeNumber } from '../../parsers.js';
import { taskColumns } from '../../views/task.js';
import { addAzureOptions } from './azure.js';

interface Options {
  readonly team?: string;
  readonly limit?: number;
}

export default command<Options>({
  describe: (list: Command) =>
    addAzureOptions(list)
      .option('--team <team>', 'only those of this team', teamName)
      .option('--limit <count>', 'at most so many', wholeNumber(1, 1_000_000)),

  watches: 'task,run,rebuild',

  async run({ client, printer }, { team, limit }) {
    const plinth = await client();
    const items = await allPages(
      (page) => plinth.listTasks({ ...page, ...(team === undefined ? {} : { team }) }),
      ({ tasks }) => tasks,
      limit,
    );
    await printer.list({
      items,
      columns: taskColumns,
      name: ({ name }) => name,
      empty:
        team === undefined ? 'There is no task yet. Make one: plinth task create --help' : `Team ${team} has no task.`,
    });
  },
});
