import { text } from 'node:stream/consumers';
import { Option, type Command } from 'commander';
import type { AcrReport, ApplyOptions, Located } from '#libs/declarative';
import { usageError } from '../errors.js';
import { accessName, collect, nonEmpty, registryHost, teamName } from '../parsers.js';
import type { Session } from '../session.js';

/** Options of the commands that read files. */
export interface FileOptions {
  readonly file?: readonly string[];
  readonly registry?: string;
}

/** Options of the commands that hold files against a server. */
export interface SetOptions {
  readonly set?: string;
  readonly team?: string;
  readonly prune?: boolean;
  readonly takeOver?: boolean;
}

export const addFileOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '-f, --file <path>',
        'file or folder of YAML or JSON, or - for standard input; may be repeated',
      ).argParser(collect(nonEmpty)),
    )
    .option('-r, --registry <host>', 'registry of the ACR tasks in the files, where these do not say it', registryHost);

export const addSetOptions = (command: Command): Command =>
  command
    .option('--set <name>', 'name of the set that the files are (default: "default")', accessName)
    .option('--team <team>', "team of new tasks that name none; the token's by default", teamName)
    .option('--prune', 'delete what an earlier apply of this set and team made and the files do not hold any more')
    .option('--take-over', 'make what was made by hand, or by another set, part of this set');

export const setOptions = ({ set, team, prune, takeOver }: SetOptions): ApplyOptions => ({
  set,
  team,
  prune,
  takeOver,
});

/**
 * What the files hold.
 *
 * @throws CliError (usage) without -f; PlinthError naming every place where something is wrong
 */
export const readResources = async (
  { io }: Session,
  { file = [], registry }: FileOptions,
): Promise<{ resources: readonly Located[]; acr: readonly AcrReport[] }> => {
  if (file.length === 0) throw usageError('No file is given.', 'name a file, a folder or - with -f');
  const { checkDocuments, problemsError, readFiles } = await import('#libs/declarative');
  const read = await readFiles(file, { cwd: io.cwd, stdin: () => text(io.stdin) });
  const { resources, acr, problems } = checkDocuments(read.sources, { registry });
  const all = [...read.problems, ...problems];
  if (all.length > 0) throw problemsError(all);
  return { resources, acr };
};
