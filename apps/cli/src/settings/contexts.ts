import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CliError } from '../errors.js';

/** A server that somebody works with: where it is, and who one is there. */
export interface Context {
  readonly server: string;
  readonly token?: string;
  /** File that holds the token, instead of the token itself. */
  readonly tokenFile?: string;
  /** Registry put before image names that have none: what `-r` says. */
  readonly registry?: string;
}

export interface Contexts {
  readonly current: string | undefined;
  readonly contexts: Readonly<Record<string, Context>>;
}

const none: Contexts = { current: undefined, contexts: {} };
const texts = ['server', 'token', 'tokenFile', 'registry'] as const;

/** @throws CliError for what is no file of contexts: names the entry and what was expected */
const checked = (file: string, value: unknown): Contexts => {
  const wrong = (what: string): CliError => new CliError(`${file}: ${what}.`, 2, 'correct the file, or remove it');
  const isRecord = (one: unknown): one is Record<string, unknown> =>
    typeof one === 'object' && one !== null && !Array.isArray(one);
  if (value === null) return none;
  if (!isRecord(value)) throw wrong('expected current and contexts');
  const { current, contexts = {} } = value;
  if (current !== undefined && current !== null && typeof current !== 'string') throw wrong('current: expected a name');
  if (!isRecord(contexts)) throw wrong('contexts: expected one entry for each context');
  for (const [name, context] of Object.entries(contexts)) {
    if (!isRecord(context) || typeof context['server'] !== 'string') {
      throw wrong(`contexts.${name}.server: expected the address of a server`);
    }
    for (const field of texts) {
      const text = context[field];
      if (text !== undefined && typeof text !== 'string') throw wrong(`contexts.${name}.${field}: expected a text`);
    }
  }
  return { current: current ?? undefined, contexts: contexts as Contexts['contexts'] };
};

const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** @throws CliError for a file that is there and cannot be used */
export const readContexts = async (file: string): Promise<Contexts> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return none;
    throw new CliError(`${file} cannot be read: ${errorCode(error)}.`, 2, `correct its permissions`);
  }
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    // The parser's own words show lines of the file, and a token may stand there.
    throw new CliError(`${file} is not YAML.`, 2, 'correct the file, or remove it');
  }
  return checked(file, value);
};

/** A context as it is shown: a token itself is never printed. */
export const withoutToken = (name: string, { server, token, tokenFile, registry }: Context) => ({
  name,
  server,
  token: token !== undefined ? 'stored' : (tokenFile ?? null),
  registry: registry ?? null,
});

/** Writes the file whole or not at all, for its owner alone: it holds tokens. */
export const writeContexts = async (file: string, contexts: Contexts): Promise<void> => {
  const { stringify } = await import('yaml');
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.${process.pid}.new`;
  await writeFile(next, stringify(contexts), { mode: 0o600 });
  await chmod(next, 0o600);
  await rename(next, file);
};

/** Whether others than the owner may read a file; false where there is none. */
export const isReadByOthers = async (file: string): Promise<boolean> => {
  try {
    return ((await stat(file)).mode & 0o077) !== 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
};
