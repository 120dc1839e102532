import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { accessName, nonEmpty, teamName } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';
import { readSecret } from '../../requests/secret-input.js';

interface Options {
  readonly file?: string;
  readonly team?: string;
  readonly shared?: boolean;
  readonly dryRun?: boolean;
}

export default command<Options, [string]>({
  describe: (set: Command) =>
    set
      .addArgument(new Argument('<name>', 'name of the secret').argParser(accessName))
      .option('-f, --file <file>', 'file that holds the value; stdin unless said', nonEmpty)
      .option('--team <team>', "owning team of a new secret; the token's unless said", teamName)
      .option('--shared', 'let tasks of every team use it')
      .option('--no-shared', 'let tasks of its own team use it alone')
      .option('--dry-run', 'print what would be sent, without the value, and send nothing')
      .addHelpText(
        'after',
        '\nThe value is never taken from the command line:\n  plinth secret set registry-password < password.txt',
      ),

  async run(session, { file, team, shared, dryRun: isDry }, name) {
    const value = await readSecret(session, file, `The value of ${name}`);
    const input = {
      name,
      value,
      ...(team === undefined ? {} : { team }),
      ...(shared === undefined ? {} : { shared }),
    };
    if (isDry) return dryRun(session, 'setSecret', { ...input, value: '•••' });
    const secret = await (await session.client()).setSecret(input);
    await session.printer.show({
      item: secret,
      name,
      fields: [
        ['Secret', secret.name],
        ['Version', String(secret.version)],
        ['Team', secret.shared ? `${secret.team}, shared with all` : secret.team],
        ['Named as', `${secret.name}, or ${secret.name}@${secret.version} for this version`],
      ],
    });
  },
});
