import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { matching } from '../../parsers.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';

const letterId = matching(/^[1-9][0-9]{0,15}$/, 'the id of a dead letter, as plinth dead list prints it');

export default command<{ readonly dryRun?: boolean }, [string]>({
  describe: (replay: Command) =>
    replay.addArgument(new Argument('<id>', 'id of the dead letter').argParser(letterId)).option(...sendsNothing),

  async run(session, options, id) {
    if (options.dryRun) return dryRun(session, 'replayDeadLetter', { id });
    const { printer } = session;
    const letter = await (await session.client()).replayDeadLetter({ id });
    const fields = [
      ['Dead letter', id],
      ['Put back at', letter.subject],
      ['Payload', letter.payload],
    ] as const;
    await printer.show({ item: letter, name: id, fields });
    printer.note('It was put back, and is no dead letter any more.');
  },
});
