import { Option, type Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { collect, matching, nonEmpty, oneOf } from '../../parsers.js';
import { sendsNothing } from '../../requests/dry-run.js';

type Definition = CallInput<'createPolicy'>;

export interface PolicyOptions {
  readonly match?: string[];
  readonly preset?: NonNullable<Definition['preset']>;
  readonly minimumAge?: string;
  readonly settle?: string;
  readonly hold?: boolean;
  readonly allow?: string[];
  readonly anomalies?: NonNullable<Definition['anomalies']>;
  readonly followVersions?: boolean;
  readonly dryRun?: boolean;
}

const time = matching(/^(?:0|[1-9][0-9]{0,5})[smhd]$/, 'a time such as 0s, 30m, 24h or 7d');

export const addPolicyOptions = (command: Command): Command =>
  command
    .option('--match <pattern>', 'images that it is for, such as docker.io/library/*; repeat it', collect(nonEmpty))
    .addOption(new Option('--preset <preset>', 'what holds where nothing is said').argParser(oneOf('acr', 'careful')))
    .option('--minimum-age <time>', 'how old a digest must be before dependants get it, such as 24h', time)
    .option('--settle <time>', 'how long an index of which only some platforms moved is waited for', time)
    .option('--hold', 'hold every new digest until a person releases it')
    .option('--allow <pattern>', 'only images that fit are ever adopted; repeat it', collect(nonEmpty))
    .addOption(
      new Option('--anomalies <action>', 'what becomes of what looks odd').argParser(oneOf('Ignore', 'Flag', 'Hold')),
    )
    .option('--follow-versions', 'a tag such as 22.x stands for the highest version that fits')
    .option(...sendsNothing);

const fields = ['match', 'preset', 'minimumAge', 'settle', 'hold', 'allow', 'anomalies', 'followVersions'] as const;

/** What was given, as the API takes it. An option that takes a field away (`--no-hold`) is no part of it. */
export const policyParts = (options: PolicyOptions): Pick<PolicyOptions, (typeof fields)[number]> =>
  Object.fromEntries(
    fields.flatMap((field) => {
      const value: unknown = options[field];
      return value === undefined || value === false ? [] : [[field, value]];
    }),
  );
