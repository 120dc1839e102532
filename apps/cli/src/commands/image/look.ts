import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { nonEmpty } from '../../parsers.js';
import { dryRun, sendsNothing } from '../../requests/dry-run.js';
import { imageFields } from '../../views/image.js';

export default command<{ readonly dryRun?: boolean }, [string]>({
  describe: (look: Command) =>
    look
      .addArgument(new Argument('<image>', 'its reference, in any spelling').argParser(nonEmpty))
      .option(...sendsNothing),

  async run(session, options, reference) {
    const { client, printer } = session;
    if (options.dryRun) return dryRun(session, 'lookAtImage', { reference });
    const image = await (await client()).lookAtImage({ reference });
    await printer.show({ item: image, name: image.reference, fields: imageFields(image) });
  },
});
