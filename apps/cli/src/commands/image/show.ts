import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { nonEmpty } from '../../parsers.js';
import { imageFields } from '../../views/image.js';
import { watchedImage } from './known.js';

export default command<object, [string]>({
  describe: (show: Command) =>
    show.addArgument(new Argument('<image>', 'its reference, in any spelling').argParser(nonEmpty)),

  watches: 'tag',

  async run(session, _options, reference) {
    const image = await watchedImage(session, reference);
    await session.printer.show({ item: image, name: image.reference, fields: imageFields(image) });
  },
});
