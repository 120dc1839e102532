import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { nonEmpty } from '../../parsers.js';
import { imageFields } from '../../views/image.js';

export default command<object, [string]>({
  describe: (look: Command) =>
    look.addArgument(new Argument('<image>', 'its reference, in any spelling').argParser(nonEmpty)),

  async run({ client, printer }, _options, reference) {
    const image = await (await client()).lookAtImage({ reference });
    await printer.show({ item: image, name: image.reference, fields: imageFields(image) });
  },
});
