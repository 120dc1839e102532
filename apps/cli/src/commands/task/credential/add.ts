import type { Command } from 'commander';
import { exitCodes, isPlinthError } from '#libs/contracts/light';
import { command } from '../../../command.js';
import { CliError, usageError } from '../../../errors.js';
import { nonEmpty, registryHost, taskName } from '../../../parsers.js';
import { dryRun } from '../../../requests/dry-run.js';
import { givenSecret, storeSecrets } from '../../../requests/arguments.js';
import { addAzureOptions } from '../azure.js';

interface Options {
  readonly name: string;
  readonly loginServer: string;
  readonly useIdentity?: string;
  readonly username?: string;
  readonly password?: string;
  readonly dryRun?: boolean;
}

/**
 * az gives each task its own logins. In Plinth a registry has one login, which every task uses: this command checks
 * that the registry is known and takes it, or gives it one.
 */
export default command<Options>({
  describe: (add: Command) =>
    addAzureOptions(add)
      .requiredOption('-n, --name <task>', 'name of the task', taskName)
      .requiredOption('--login-server <registry>', 'host of the registry', registryHost)
      .option('--use-identity <identity>', "taken from az: the registry's own login is used")
      .option('-u, --username <name>', 'name to log in with', nonEmpty)
      .option(
        '-p, --password <password>',
        'its password, which is stored as a secret; env:NAME, file:/path or secret:NAME name one that there is',
        nonEmpty,
      )
      .option('--dry-run', 'print what would be sent, without the password, and send nothing'),

  async run(session, { name, loginServer: host, useIdentity, username, password, dryRun: isDry }) {
    const plinth = await session.client();
    if ((username === undefined) !== (password === undefined)) {
      throw usageError('--username and --password belong together.', 'give both');
    }
    if (username === undefined && useIdentity === undefined) {
      throw usageError('A login is missing.', 'give --username and --password');
    }
    await plinth.getTask({ name });
    try {
      await plinth.getRegistry({ host });
    } catch (error) {
      if (!isPlinthError(error) || error.code !== 'NOT_FOUND') throw error;
      throw new CliError(`There is no registry ${host}.`, exitCodes.notFound, `plinth registry add ${host}`);
    }
    if (username !== undefined && password !== undefined) {
      const secret = givenSecret(password, `${host.replaceAll(':', '-')}.password`.slice(0, 63));
      const input = { host, credentials: { username, password: secret.ref } };
      if (isDry) return dryRun(session, 'updateRegistry', input);
      await storeSecrets(session, [secret]);
      await plinth.updateRegistry(input);
    }
    const { ok, message } = await plinth.testRegistry({ host });
    session.printer.note(message);
    if (!ok) return exitCodes.findings;
    session.printer.note(`Every task uses the login of ${host}; the task ${name} needs none of its own.`);
    return exitCodes.ok;
  },
});
