import { Option, type Command } from 'commander';
import { usageError } from '../../errors.js';
import { azBoolean, registryHost } from '../../parsers.js';

const hidden = (flags: string, meaning: string): Option => new Option(flags, meaning).hideHelp();

/**
 * Options that az takes everywhere and that say nothing here: a Plinth has no resource groups and no subscriptions, and
 * a task is found by its name alone. They are taken, so that a script of az runs as it is.
 */
export const addAzureOptions = (command: Command): Command =>
  command
    .option('-r, --registry <registry>', 'registry of image names that name none', registryHost)
    .addOption(hidden('-g, --resource-group <name>', 'taken from az, without meaning here'))
    .addOption(hidden('--subscription <name>', 'taken from az, without meaning here'))
    .addOption(hidden('--only-show-errors', 'taken from az, without meaning here'))
    .addOption(hidden('--verbose', 'taken from az, without meaning here'))
    .addOption(hidden('--debug', 'taken from az, without meaning here'));

export interface AzureOptions {
  readonly registry?: string;
}

interface Refused {
  readonly flags: string;
  /** Values that ask for nothing: az's own default, for instance. */
  readonly harmless?: (value: unknown) => boolean;
  readonly why: string;
  readonly next: string;
}

const isFalse = (value: unknown): boolean => value === 'false' || value === false;
const noTimers = 'run the task from cron: plinth task run -n TASK';
const noSteps = 'name a Dockerfile with --file';

/** Options of az for what Plinth does not do. Each is known, so that it is refused with a reason, never as a mistake. */
const refused: readonly Refused[] = [
  { flags: '--cmd <command>', why: 'Plinth builds Dockerfiles; it does not run commands.', next: noSteps },
  {
    flags: '--set <name=value>',
    why: 'Values are for multi-step tasks, which Plinth does not run.',
    next: 'use --arg',
  },
  {
    flags: '--set-secret <name=value>',
    why: 'Values are for multi-step tasks, which Plinth does not run.',
    next: 'use --secret-arg',
  },
  { flags: '--values <file>', why: 'Values are for multi-step tasks, which Plinth does not run.', next: noSteps },
  { flags: '--schedule <schedule>', why: 'Plinth has no timers yet.', next: noTimers },
  {
    flags: '--commit-trigger-enabled [boolean]',
    harmless: isFalse,
    why: 'Plinth does not start tasks on commits yet.',
    next: 'let your CI call plinth task run, and give --commit-trigger-enabled False',
  },
  {
    flags: '--pull-request-trigger-enabled [boolean]',
    harmless: isFalse,
    why: 'Plinth does not start tasks on pull requests.',
    next: 'give --pull-request-trigger-enabled False, or leave it out',
  },
  {
    flags: '--update-trigger-endpoint <url>',
    why: 'Plinth calls no endpoint for each task.',
    next: 'follow plinth events, or the event stream',
  },
  {
    flags: '--update-trigger-token <token>',
    why: 'Plinth calls no endpoint for each task.',
    next: 'follow plinth events, or the event stream',
  },
  { flags: '--log-template <template>', why: 'Plinth keeps logs itself.', next: 'leave it out' },
  { flags: '--is-system-task', why: 'There are no system tasks in Plinth.', next: 'leave it out' },
  {
    flags: '--source-acr-auth-id <id>',
    harmless: (value) => value === 'none',
    why: 'Plinth has no identities of Azure; it logs in as plinth registry add says.',
    next: 'give the registry credentials: plinth registry update',
  },
];

/** Options of az that ask for what Plinth does anyway, or for nothing. */
const accepted: readonly string[] = [
  '--source-trigger-name <name>',
  '--update-trigger-payload-type <type>',
  '--auth-mode <mode>',
  '--no-format',
];

const attribute = (flags: string): string => new Option(flags).attributeName();

/** Adds az's options for what Plinth does not do; {@link refuseForeign} says so when one is used. */
export const addForeignOptions = (command: Command): Command => {
  for (const { flags } of refused) {
    const option = hidden(flags, 'not done by Plinth');
    if (flags.endsWith('[boolean]')) option.argParser((text: string) => String(azBoolean(text))).preset('True');
    command.addOption(option);
  }
  for (const flags of accepted) command.addOption(hidden(flags, 'taken from az, without meaning here'));
  // az's default is an identity of the system; in Plinth the registry holds the login.
  return command.addOption(hidden('--assign-identity [identities...]', 'taken from az, without meaning here'));
};

/** @throws CliError (usage) for an option of az whose wish cannot be granted */
export const refuseForeign = (options: object, note: (text: string) => void): void => {
  const given = options as Record<string, unknown>;
  for (const { flags, harmless, why, next } of refused) {
    const value = given[attribute(flags)];
    if (value === undefined || harmless?.(value)) continue;
    throw usageError(`${flags.split(' ')[0]}: ${why}`, next);
  }
  if (given['assignIdentity'] !== undefined) {
    note('--assign-identity: not needed. Plinth logs in to a registry as plinth registry add says.');
  }
};
