import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { accessName, nonEmpty } from '../../parsers.js';
import { readSecret } from '../../requests/secret-input.js';

interface Options {
  readonly file?: string;
}

export default command<Options, [string]>({
  describe: (set: Command) =>
    set
      .addArgument(new Argument('<name>', 'name of the secret').argParser(accessName))
      .option('-f, --file <file>', 'file that holds the value; stdin unless said', nonEmpty)
      .addHelpText(
        'after',
        '\nThe value is never taken from the command line:\n  plinth secret set registry-password < password.txt',
      ),

  async run(session, { file }, name) {
    const value = await readSecret(session, file, `The value of ${name}`);
    const secret = await (await session.client()).setSecret({ name, value });
    await session.printer.show({
      item: secret,
      name,
      fields: [
        ['Secret', secret.name],
        ['Version', String(secret.version)],
        ['Named as', `${secret.name}, or ${secret.name}@${secret.version} for this version`],
      ],
    });
  },
});
