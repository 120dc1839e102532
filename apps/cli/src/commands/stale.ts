import type { Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { asOfOption, momentOf, type AsOf } from '../as-of.js';
import { command } from '../command.js';
import { withCommands } from '../errors.js';
import { statusColour } from '../output/colour.js';
import { allPages } from '../pages.js';
import { teamName, wholeNumber } from '../parsers.js';

interface Options extends AsOf {
  readonly failOnStale?: boolean;
  readonly team?: string;
  readonly limit?: number;
}

export default command<Options>({
  describe: (stale: Command) =>
    stale
      .option('--fail-on-stale', 'exit with 6 when there are any')
      .option('--team <team>', 'only tasks of this team', teamName)
      .option('--limit <count>', 'at most so many', wholeNumber(1, 1_000_000))
      .addOption(asOfOption()),

  watches: 'task,run,tag,wave,rebuild',

  async run({ client, printer }, { failOnStale, team, limit, ...options }) {
    const plinth = await client();
    const items = await allPages(
      (page) =>
        plinth.listStates({ ...page, current: false, ...momentOf(options), ...(team === undefined ? {} : { team }) }),
      ({ states }) => states,
      limit,
    );
    await printer.list({
      items,
      columns: [
        { title: 'task', value: ({ task }) => task },
        { title: 'state', value: ({ state }) => state, paint: statusColour },
        { title: 'why', value: ({ reasons }) => withCommands(reasons.map(({ text }) => text).join(' ')) },
        { title: 'team', value: (one) => one.team, wide: true },
        { title: 'waves', value: ({ waves }) => waves.join(','), wide: true },
      ],
      name: ({ task }) => task,
      empty: 'Nothing is stale.',
    });
    return failOnStale && items.length > 0 ? exitCodes.findings : exitCodes.ok;
  },
});
