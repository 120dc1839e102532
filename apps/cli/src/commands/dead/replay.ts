import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { matching } from '../../parsers.js';

const letterId = matching(/^[1-9][0-9]{0,15}$/, 'the id of a dead letter, as plinth dead list prints it');

export default command<object, [string]>({
  describe: (replay: Command) => replay.addArgument(new Argument('<id>', 'id of the dead letter').argParser(letterId)),

  async run({ client, printer }, _options, id) {
    const plinth = await client();
    const letter = await plinth.replayDeadLetter({ id });
    const fields = [
      ['Dead letter', id],
      ['Put back at', letter.subject],
      ['Payload', letter.payload],
    ] as const;
    await printer.show({ item: letter, name: id, fields });
    printer.note('It was put back, and is no dead letter any more.');
  },
});
