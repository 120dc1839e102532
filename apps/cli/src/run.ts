import { CommanderError } from 'commander';
import { exitCodes } from '#libs/contracts/light';
import { commands, nouns } from './commands/index.js';
import { type CliError, Interrupted, reportOf, reportText, usageError } from './errors.js';
import { exitCodesText } from './exit-codes.js';
import type { Io } from './io.js';
import type { CommonOptions } from './options.js';
import { harmless } from './output/terminal.js';
import { programFor } from './program.js';
import { version } from './version.js';

/** `help task create` is `task create --help`. */
const withoutHelpCommand = (argv: readonly string[]): readonly string[] =>
  argv[0] === 'help' && argv.length > 1 ? [...argv.slice(1), '--help'] : argv;

/** Commander's own errors in our words; `undefined` for those that are none, such as help that was asked for. */
const usageOf = (error: CommanderError, argv: readonly string[]): CliError | undefined => {
  if (error.exitCode === 0) return undefined;
  const words = argv.filter((word) => /^[a-z][a-z-]*$/.test(word)).slice(0, 2);
  const known = commands.find(({ path }) => path === words.join(' ') || path === words[0])?.path;
  if (error.code === 'commander.help') return usageError('A command is missing; those that there are stand above.');
  const text = error.message.replace(/^error: /, '');
  const sentence = (text.charAt(0).toUpperCase() + text.slice(1)).replace('\n', ' ');
  return usageError(/[.?)]$/.test(sentence) ? sentence : `${sentence}.`, `plinth ${known ? `${known} ` : ''}--help`);
};

/**
 * Runs one command line.
 *
 * @returns the exit code; everything that happened has been told on stderr
 */
export const runCli = async (given: readonly string[], io: Io): Promise<number> => {
  if (given[0] === 'help' && given[1] === 'exit-codes') {
    io.stdout.write(exitCodesText());
    return exitCodes.ok;
  }
  const argv = given.length === 0 ? ['--help'] : withoutHelpCommand(given);
  let exit: number = exitCodes.ok;
  let common: CommonOptions = {};
  try {
    const program = await programFor(argv, {
      entries: commands,
      nouns,
      io,
      version: version(),
      onExit: (code) => (exit = code),
      onOptions: (options) => (common = options),
    });
    await program.parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof Interrupted || (io.interrupted.aborted && (error as Error).name === 'AbortError')) {
      io.stderr.write(`${error instanceof Interrupted && error.message ? error.message : 'Interrupted.'}\n`);
      return exitCodes.usage;
    }
    const told = error instanceof CommanderError ? usageOf(error, argv) : error;
    if (told === undefined) return exitCodes.ok;
    const report = reportOf(told);
    const asJson = common.output === 'json' || common.json !== undefined || common.jq !== undefined;
    io.stderr.write(asJson ? `${JSON.stringify({ error: report })}\n` : harmless(reportText(report)));
    return report.exit;
  }
};
