import { InvalidArgumentError, Option, type Command } from 'commander';
import { outputFormats, type OutputFormat } from './output/formats.js';

/** What every command takes. */
export interface CommonOptions {
  readonly output?: OutputFormat;
  readonly json?: readonly string[];
  readonly jq?: string;
  readonly query?: string;
  readonly context?: string;
  readonly server?: string;
  readonly tokenFile?: string;
  /** False after --no-color. */
  readonly color?: boolean;
}

const fieldNames = (text: string): string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))) {
    throw new InvalidArgumentError('expected names of fields with commas between, such as name,status');
  }
  return names;
};

const serverUrl = (text: string): string => {
  if (!/^https?:\/\/[^/\s?#@]+(\/[^\s?#]*)?$/.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('expected http://host:port or https://host:port');
  }
  return text.replace(/\/+$/, '');
};

const commonOptions = (): Option[] => [
  new Option('-o, --output <format>', 'how to print').choices(outputFormats),
  new Option('--json <fields>', 'print these fields as JSON, such as name,status').argParser(fieldNames),
  new Option('--jq <expression>', 'filter the JSON by a jq expression'),
  new Option('--query <path>', 'path into the JSON, as az takes it (a.b[].c)').hideHelp(),
  new Option('--context <context>', 'context of plinth ctx to use'),
  new Option('--server <url>', 'server to talk to').argParser(serverUrl),
  new Option('--token-file <file>', 'file that holds the token'),
  new Option('--no-color', 'no colour'),
];

/** Common options that take a value, as they are written. */
export const valuedCommonOptions = (): Set<string> =>
  new Set(
    commonOptions()
      .filter((option) => option.required)
      .flatMap(({ short, long }) => [short, long])
      .filter((name): name is string => typeof name === 'string'),
  );

/** Adds the common options, but for those whose name the command uses itself. */
export const addCommonOptions = (command: Command): void => {
  const taken = new Set(command.options.flatMap(({ short, long }) => [short, long]));
  for (const option of commonOptions()) {
    if (taken.has(option.long)) continue;
    if (option.short && taken.has(option.short)) continue;
    command.addOption(option.helpGroup('Common options:'));
  }
};
