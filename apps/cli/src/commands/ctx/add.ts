import { resolve } from 'node:path';
import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import { usageError } from '../../errors.js';
import { accessName, registryHost } from '../../parsers.js';
import { wouldBe } from '../../requests/dry-run.js';
import { readContexts, withoutToken, writeContexts, type Context } from '../../settings/contexts.js';
import { contextsFile } from '../../settings/files.js';

interface Options {
  readonly registry?: string;
  readonly dryRun?: boolean;
}

export default command<Options, [string]>({
  describe: (add: Command) =>
    add
      .addArgument(new Argument('<context>', 'name of the context').argParser(accessName))
      .option('--registry <host>', 'registry of image names that name none', registryHost)
      .option('--dry-run', 'print the context, and write nothing')
      .addHelpText(
        'after',
        '\n--server is needed; --token-file names a file with the token. plinth login stores a token itself.',
      ),

  async run(session, { registry, dryRun }, name) {
    const { io, options, printer } = session;
    const { server, tokenFile } = options;
    if (server === undefined) throw usageError('--server is missing.', `plinth ctx add ${name} --server URL`);
    const file = contextsFile(io.env);
    const { current, contexts } = await readContexts(file);
    const known = contexts[name];
    const context: Context = {
      server,
      // A token goes to the server that it was given for.
      ...(known?.server === server && known.token !== undefined && tokenFile === undefined
        ? { token: known.token }
        : {}),
      ...(tokenFile === undefined ? {} : { tokenFile: resolve(io.cwd, tokenFile) }),
      ...((registry ?? known?.registry) === undefined ? {} : { registry: registry ?? known?.registry }),
    } as Context;
    if (dryRun) return wouldBe(session, withoutToken(name, context), 'written');
    await writeContexts(file, { current: current ?? name, contexts: { ...contexts, [name]: context } });
    printer.note(
      `${known ? 'Changed' : 'Added'} the context ${name}${current === undefined || current === name ? '; it is in use' : `; plinth ctx use ${name} switches to it`}.`,
    );
  },
});
