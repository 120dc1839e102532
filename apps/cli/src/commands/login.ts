import type { Command } from 'commander';
import { command } from '../command.js';
import { usageError } from '../errors.js';
import { accessName } from '../parsers.js';
import { wouldBe } from '../requests/dry-run.js';
import { readSecret } from '../requests/secret-input.js';
import { defaultServer } from '../settings/connection.js';
import { readContexts, withoutToken, writeContexts } from '../settings/contexts.js';
import { contextsFile } from '../settings/files.js';

interface Options {
  readonly context?: string;
  readonly dryRun?: boolean;
}

export default command<Options>({
  describe: (login: Command) =>
    login
      .option('--context <context>', 'context to store the token in; the one in use unless said', accessName)
      .option('--dry-run', 'try the token, and keep nothing')
      .addHelpText(
        'after',
        '\nThe token is read from --token-file, from stdin, or typed; it is tried, and kept in a file that only you read.',
      ),

  async run(session, { context, dryRun }) {
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
