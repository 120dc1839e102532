import { Option, type Command } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { command } from '../command.js';
import { usageError } from '../errors.js';
import { accessName, registryHost } from '../parsers.js';
import { wouldBe } from '../requests/dry-run.js';
import { registryOf } from '../requests/image-names.js';
import { readSecret } from '../requests/secret-input.js';
import type { Session } from '../session.js';
import { defaultServer } from '../settings/connection.js';
import { readContexts, withoutToken, writeContexts } from '../settings/contexts.js';
import { contextsFile } from '../settings/files.js';

interface Options {
  readonly context?: string;
  readonly dryRun?: boolean;
  readonly name?: string;
}

/**
 * `az acr login --name REGISTRY` gives Docker a token for a registry. Plinth hands its own logins to nobody: it says
 * whether the registry takes the one that it has.
 */
const registryLogin = async (session: Session, name: string): Promise<number> => {
  const host = (await registryOf(session, name))!;
  const { ok, message } = await (await session.client()).testRegistry({ host });
  session.printer.note(message);
  session.printer.note(`Docker has logins of its own: docker login ${host}`);
  return ok ? exitCodes.ok : exitCodes.findings;
};

export default command<Options>({
  describe: (login: Command) =>
    login
      .option('--context <context>', 'context to store the token in; the one in use unless said', accessName)
      .addOption(new Option('-n, --name <registry>', 'taken from az').argParser(registryHost).hideHelp())
      .option('--dry-run', 'try the token, and keep nothing')
      .addHelpText(
        'after',
        '\nThe token is read from --token-file, from stdin, or typed; it is tried, and kept in a file that only you read.',
      ),

  async run(session, { context, dryRun, name: registry }) {
    if (registry !== undefined) return registryLogin(session, registry);
    const { io, options, printer } = session;
    const file = contextsFile(io.env);
    const { current, contexts } = await readContexts(file);
    const name = context ?? current ?? 'default';
    const known = contexts[name];
    const server = options.server ?? known?.server ?? (io.env['PLINTH_SERVER']?.replace(/\/+$/, '') || defaultServer);
    const token = await readSecret(session, options.tokenFile, `Token for ${server}`);
    if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) throw usageError('That is no token: expected one word without spaces.');
    await session.clientOf(server, token).listTasks({ pageSize: 1 });
    const { tokenFile: _old, ...rest } = known ?? { server };
    const changed = { ...rest, server, token };
    if (dryRun) return wouldBe(session, withoutToken(name, changed), 'kept');
    await writeContexts(file, { current: current ?? name, contexts: { ...contexts, [name]: changed } });
    printer.note(
      `The token is taken by ${server}, and kept in the context ${name}${(current ?? name) === name ? ', which is in use' : `: plinth ctx use ${name} switches to it`}.`,
    );
  },
});
