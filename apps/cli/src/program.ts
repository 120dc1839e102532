import { Command } from 'commander';
import type { AnyCommand, CommandEntry } from './command.js';
import { addAgainOptions, again, type AgainOptions } from './follow/again.js';
import type { Io } from './io.js';
import { addCommonOptions, valuedCommonOptions, type CommonOptions } from './options.js';
import { Session } from './session.js';

/** Words that name a command, at most: `task credential add`. */
const mostWords = 3;

/** What a command line names: the line of the list, and how many words name it. */
const find = (words: readonly string[], entries: readonly CommandEntry[]): CommandEntry | undefined => {
  for (let count = Math.min(words.length, mostWords); count > 0; count -= 1) {
    const path = words.slice(0, count).join(' ');
    const found = entries.find((one) => one.path === path);
    if (found) return found;
  }
  return undefined;
};

/** The first words of a command line, common options before and between them left out. */
const firstWords = (argv: readonly string[]): string[] => {
  const valued = valuedCommonOptions();
  const words: string[] = [];
  for (let index = 0; index < argv.length && words.length < mostWords; index += 1) {
    const word = argv[index]!;
    if (valued.has(word)) index += 1;
    else if (!word.startsWith('-')) words.push(word);
  }
  return words;
};

/** Options before the command, between its words and behind it: the nearest one counts. */
const commonOf = (command: Command): CommonOptions => {
  // `--no-server` is no option of its own, but the absence of a common one.
  const own = new Set(
    command.options
      .filter(({ helpGroupHeading, negate }) => !helpGroupHeading && !negate)
      .map((one) => one.attributeName()),
  );
  const merged: Record<string, unknown> = {};
  for (let one: Command | null = command; one; one = one.parent) {
    for (const [name, value] of Object.entries(one.opts())) {
      if (one === command && own.has(name)) continue;
      // A default says nothing.
      if (one.getOptionValueSource(name) === 'default') continue;
      if (!(name in merged)) merged[name] = value;
    }
  }
  return merged;
};

export interface ProgramOptions {
  readonly entries: readonly CommandEntry[];
  /** What the commands of a noun are about. */
  readonly nouns: Readonly<Record<string, string>>;
  readonly io: Io;
  readonly version: string;
  /** Told which exit code the command answered. */
  readonly onExit: (code: number) => void;
  /** Told the common options, before anything is run. */
  readonly onOptions: (options: CommonOptions) => void;
}

const prepare = (command: Command, { io }: ProgramOptions): Command =>
  command
    .exitOverride()
    .enablePositionalOptions()
    .helpCommand(false)
    .helpOption('-h, --help', 'show help')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Errors are told in one place, by whoever catches them.
      outputError: () => undefined,
    });

/** The words that name a command. */
const wordsOf = (leaf: Command): string[] =>
  leaf.parent ? [...(leaf.parent.parent ? wordsOf(leaf.parent) : []), leaf.name()] : [];

const describe = (leaf: Command, definition: AnyCommand, options: ProgramOptions, argv: readonly string[]): void => {
  definition.describe?.(leaf);
  const { watches } = definition;
  if (watches !== undefined) addAgainOptions(leaf);
  addCommonOptions(leaf);
  const count = leaf.registeredArguments.length;
  leaf.action(async (...given: unknown[]) => {
    const common = commonOf(leaf);
    options.onOptions(common);
    const session = new Session(options.io, common);
    const run = definition.run as (session: Session, options: object, ...args: unknown[]) => Promise<number | void>;
    const { watch, timeout: timeoutMs, ...own }: AgainOptions = leaf.opts();
    const args = given.slice(0, count);
    try {
      if (watches !== undefined && watch) {
        const follow = { types: watches, words: wordsOf(leaf).join(' '), goOn: `plinth ${argv.join(' ')}`, timeoutMs };
        await again(session, follow, (inner) => run(inner, own, ...args));
      }
      options.onExit((await run(session, leaf.opts(), ...args)) ?? 0);
    } finally {
      await session.end().catch(() => undefined);
    }
  });
};

/**
 * The tree of commands, with the one that `argv` names loaded and the others by name and summary alone.
 */
export const programFor = async (argv: readonly string[], options: ProgramOptions): Promise<Command> => {
  const { entries, nouns, version } = options;
  const wanted = find(firstWords(argv), entries);
  const definition = wanted && (await wanted.load()).default;
  const program = prepare(new Command('plinth'), options)
    .description('Keeps container images standing on a current base.')
    .version(version, '--version', 'show the version')
    .helpCommand('help [command]', 'show help of a command; help exit-codes says what they mean')
    .addHelpText('after', '\nplinth COMMAND --help says more of each.');
  addCommonOptions(program);
  const groups = new Map<string, Command>();
  const groupOf = (words: readonly string[]): Command => {
    if (words.length === 0) return program;
    const path = words.join(' ');
    const known = groups.get(path);
    if (known) return known;
    const group = prepare(groupOf(words.slice(0, -1)).command(words.at(-1)!), options).description(nouns[path] ?? '');
    addCommonOptions(group);
    groups.set(path, group);
    return group;
  };
  for (const entry of entries) {
    const words = entry.path.split(' ');
    const parent = groupOf(words.slice(0, -1));
    const leaf = prepare(parent.command(words.at(-1)!, { hidden: entry.hidden ?? false }), options).description(
      entry.summary,
    );
    if (entry === wanted) describe(leaf, definition!, options, argv);
    // Before a command is named, nothing of it is known: what stands behind it is not judged.
    else leaf.allowUnknownOption().allowExcessArguments();
  }
  return program;
};
