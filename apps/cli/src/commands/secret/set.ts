import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { accessName, nonEmpty, teamName } from '../../parsers.js';
import { readSecret } from '../../requests/secret-input.js';

interface Options {
  readonly file?: string;
  readonly team?: string;
  readonly shared?: boolean;
}

export default command<Options, [string]>({
  describe: (set: Command) =>
    set
      .addArgument(new Argument('<name>', 'name of the secret').argParser(accessName))
      .option('-f, --file <file>', 'file that holds the value; stdin unless said', nonEmpty)
      .option('--team <team>', "owning team of a new secret; the token's unless said", teamName)
      .option('--shared', 'let tasks of every team use it')
      .option('--no-shared', 'let tasks of its own team use it alone')
      .addHelpText(
        'after',
        '\nThe value is never taken from the command line:\n  plinth secret set registry-password < password.txt',
      ),

  async run(session, { file, team, shared }, name) {
    const value = await readSecret(session, file, `The value of ${name}`);
    const secret = await (
      await session.client()
    ).setSecret({
      name,
      value,
      ...(team === undefined ? {} : { team }),
      ...(shared === undefined ? {} : { shared }),
    });
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
