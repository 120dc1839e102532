import type { Command } from 'commander';
import { command } from '../command.js';
import { usageError } from '../errors.js';
import { until } from '../follow/until.js';
import { cell } from '../output/table.js';
import { familiar, toSecond } from '../output/words.js';
import { duration, nonEmpty, wholeNumber } from '../parsers.js';

interface Options {
  readonly follow?: boolean;
  readonly after?: number;
  readonly types?: string;
  readonly limit?: number;
  readonly timeout?: number;
}

export default command<Options>({
  describe: (events: Command) =>
    events
      .option('-f, --follow', 'go on with what happens next, until Ctrl-C')
      .option('--after <position>', 'begin after this position of the log', wholeNumber(0, Number.MAX_SAFE_INTEGER))
      .option('--types <types>', 'only these types or aggregates, such as tag.moved,run', nonEmpty)
      .option('--limit <count>', 'end after so many', wholeNumber(1, 1_000_000))
      .option('--timeout <time>', 'end after this time, such as 10m', duration)
      .addHelpText(
        'after',
        '\nThe first column is the position; --after takes it, so that nothing is missed or comes twice.',
      ),

  async run(session, { follow, after, types, limit, timeout }) {
    const { client, printer } = session;
    if (!follow && limit === undefined && timeout === undefined) {
      throw usageError('The events have no end.', 'give -f to follow them, or --limit COUNT, or --timeout TIME');
    }
    const plinth = await client();
    let last = after;
    const filter = types === undefined ? '' : ` --types ${types}`;
    const goOn = (): string => `plinth events -f${last === undefined ? '' : ` --after ${last}`}${filter}`;
    let count = 0;
    const options = {
      what: 'the events',
      late: 'Not so many events have come in the time given.',
      timeoutMs: timeout,
      goOn,
    };
    const input = { ...(after === undefined ? {} : { after }), ...(types === undefined ? {} : { types }) };
    await until(session, options, async (signal) => {
      try {
        for await (const event of plinth.watchEvents(input, { signal })) {
          await printer.item(event, () =>
            cell(`${event.position}  ${toSecond(event.time)}  ${event.type}  ${familiar(event.subject)}`),
          );
          last = event.position;
          count += 1;
          if (limit !== undefined && count >= limit) return true;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      // Without a count, the end of the time is the end that was asked for.
      return limit === undefined ? true : undefined;
    });
  },
});
