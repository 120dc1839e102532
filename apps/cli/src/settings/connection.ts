import { readFile } from 'node:fs/promises';
import { CliError, usageError } from '../errors.js';
import type { CommonOptions } from '../options.js';
import type { Context, Contexts } from './contexts.js';

type Env = Readonly<Record<string, string | undefined>>;

export const defaultServer = 'http://127.0.0.1:7460';

/** Where to connect, and as whom. */
export interface Connection {
  readonly server: string;
  readonly token: string | undefined;
  /** Name of the context that is in use. */
  readonly context: string | undefined;
  /** Registry put before image names that have none. */
  readonly registry: string | undefined;
  /** Where the token came from, in words. */
  readonly tokenFrom: string;
}

export interface ConnectionSources {
  readonly options: Pick<CommonOptions, 'context' | 'server' | 'tokenFile'>;
  readonly env: Env;
  readonly contexts: Contexts;
  /** Token that `plinth up` wrote beside this program. */
  readonly adminTokenFile: string;
}

const tokenIn = async (file: string, said: string): Promise<string> => {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw usageError(`${said}: ${file} cannot be read (${code}).`, 'name a file that holds a token and nothing else');
  }
  if (!/^\S{1,4096}$/.test(text)) {
    throw usageError(`${said}: ${file} holds no token.`, 'name a file that holds a token and nothing else');
  }
  return text;
};

const chosen = ({ options, env, contexts }: ConnectionSources): [string | undefined, Context | undefined] => {
  const name = options.context ?? (env['PLINTH_CONTEXT'] || contexts.current);
  if (name === undefined) return [undefined, undefined];
  const context = Object.hasOwn(contexts.contexts, name) ? contexts.contexts[name] : undefined;
  if (!context) {
    const known = Object.keys(contexts.contexts).join(', ');
    throw usageError(
      `There is no context ${name}${known === '' ? '' : `; there are ${known}`}.`,
      `plinth ctx add ${name} --server URL`,
    );
  }
  return [name, context];
};

/**
 * Flag, then environment, then context, then default. A token of a context, and that of this installation, goes to its
 * own server alone: whoever names another one brings a token for it.
 *
 * @throws CliError (usage) for a context or a file that is not there
 */
export const resolveConnection = async (sources: ConnectionSources): Promise<Connection> => {
  const { options, env, adminTokenFile } = sources;
  const [name, context] = chosen(sources);
  // A context that is named on the command line is a flag, too: the environment does not mix into it.
  const named = options.context !== undefined;
  const server =
    options.server ??
    (named ? context?.server : undefined) ??
    (env['PLINTH_SERVER']?.replace(/\/+$/, '') || undefined) ??
    context?.server ??
    defaultServer;
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw usageError(`${server} is no address of a server.`, 'set PLINTH_SERVER or the context to http://host:port');
  }
  const registry = env['PLINTH_REGISTRY'] || context?.registry;
  const answer = (token: string | undefined, tokenFrom: string): Connection => ({
    server,
    token,
    tokenFrom,
    context: name,
    registry,
  });
  if (options.tokenFile !== undefined) return answer(await tokenIn(options.tokenFile, '--token-file'), '--token-file');
  const ofContext = async (): Promise<Connection | undefined> => {
    if (context?.server !== server) return undefined;
    if (context.token !== undefined) return answer(context.token, `context ${name}`);
    if (context.tokenFile === undefined) return undefined;
    return answer(await tokenIn(context.tokenFile, `The context ${name}`), `context ${name}`);
  };
  const first = named ? await ofContext() : undefined;
  if (first) return first;
  if (env['PLINTH_TOKEN']) return answer(env['PLINTH_TOKEN'], 'PLINTH_TOKEN');
  if (env['PLINTH_TOKEN_FILE']) {
    return answer(await tokenIn(env['PLINTH_TOKEN_FILE'], 'PLINTH_TOKEN_FILE'), 'PLINTH_TOKEN_FILE');
  }
  const second = named ? undefined : await ofContext();
  if (second) return second;
  if (server === defaultServer) {
    try {
      return answer(await tokenIn(adminTokenFile, 'The standalone'), adminTokenFile);
    } catch (error) {
      // Nothing was started here, or by somebody else: there is no token then, and the server says so.
      if (!(error instanceof CliError)) throw error;
    }
  }
  return answer(undefined, 'nowhere');
};
