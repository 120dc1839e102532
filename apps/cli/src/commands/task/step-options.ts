import { Option, type Command } from 'commander';
import type { Argument } from '#libs/contracts';
import { booleanOption, collect, negatedOption, nonEmpty, oneOf, platform, wholeNumber } from '../../parsers.js';
import {
  buildArgument,
  givenSecret,
  plainArguments,
  secretName,
  type GivenArgument,
  type GivenSecret,
} from '../../requests/arguments.js';
import { withRegistry } from '../../requests/image-names.js';
import { usageError } from '../../errors.js';
import type { Session } from '../../session.js';
import type { AzureOptions } from './azure.js';
import { sendsNothing } from '../../requests/dry-run.js';

/** Options of `task create` and `task update` alike: az's names, and ours where az has none. */
export interface StepOptions extends AzureOptions {
  readonly context?: string;
  readonly file?: string;
  readonly image?: readonly string[];
  readonly push: boolean | null;
  readonly cache: boolean | null;
  readonly target?: string;
  readonly arg?: readonly GivenArgument[];
  readonly secretArg?: readonly GivenArgument[];
  readonly gitAccessToken?: string;
  readonly platform?: readonly string[];
  readonly cpu?: number;
  readonly agentPool?: string;
  readonly timeout?: number;
  readonly status?: 'Enabled' | 'Disabled';
  readonly baseImageTriggerEnabled?: boolean;
  readonly baseImageTriggerType?: 'Runtime' | 'All';
  readonly baseImageTriggerName?: string;
  readonly tag?: readonly GivenArgument[];
  readonly dryRun?: boolean;
}

const platforms = collect(platform);

export const addStepOptions = (command: Command): Command =>
  command
    .option(
      '-c, --context <path>',
      'a git URL (https://host/repo.git#branch:folder), the URL of a .tar.gz, or a folder',
      nonEmpty,
    )
    .option('-f, --file <file>', 'Dockerfile, in the context', nonEmpty)
    .option(
      '-t, --image <name>',
      'image to push; may contain {{.Run.ID}} and {{.Run.Date}}; repeat for several',
      collect(nonEmpty),
    )
    .addOption(negatedOption('--no-push', 'build without pushing'))
    .addOption(negatedOption('--no-cache', 'build without cache'))
    .option('--target <stage>', 'build stage', nonEmpty)
    .option(
      '--arg <name=value>',
      'build argument; without a value, that of the variable of its name',
      collect(buildArgument),
    )
    .option(
      '--secret-arg <name=value>',
      'secret build argument: the value is stored as a secret; env:NAME, file:/path and secret:NAME name one that there is',
      collect(buildArgument),
    )
    .option(
      '--git-access-token <token>',
      'token for the context; env:NAME, file:/path or secret:NAME name one that there is',
      nonEmpty,
    )
    .option('--platform <os/arch>', 'platform to build for; repeat for several', (text: string, before?: string[]) =>
      // az writes the system alone, or in capitals.
      platforms(/\//.test(text) ? text.toLowerCase() : `${text.toLowerCase()}/amd64`, before),
    )
    .option('--cpu <count>', 'processors', wholeNumber(1, 256))
    .option('--agent-pool <pool>', 'pool of builders that runs it', nonEmpty)
    .option('--timeout <seconds>', 'seconds until a run is given up', wholeNumber(300, 28_800, 'seconds'))
    .addOption(new Option('--status <status>', 'Enabled or Disabled').argParser(oneOf('Enabled', 'Disabled')))
    .addOption(booleanOption('--base-image-trigger-enabled', 'rebuild when a base image moves (True unless said)'))
    .addOption(
      new Option(
        '--base-image-trigger-type <type>',
        'Runtime: the base of the final stage; All: every image',
      ).argParser(oneOf('Runtime', 'All')),
    )
    .option('--base-image-trigger-name <name>', 'name of the trigger', nonEmpty)
    .option('--tag <name=value>', 'a note on the task; repeat for several', collect(buildArgument))
    .option(...sendsNothing);

/** The build arguments that options ask for, and the secrets to store for them. */
export const argumentsOf = (
  { io }: Session,
  { arg, secretArg }: Pick<StepOptions, 'arg' | 'secretArg'>,
  task: string,
): { list: Argument[] | undefined; secrets: GivenSecret[] } => {
  if (arg === undefined && secretArg === undefined) return { list: undefined, secrets: [] };
  const secrets = (secretArg ?? []).map(({ name, value }) => {
    const text = value ?? io.env[name];
    if (!text)
      throw usageError(`--secret-arg ${name} has no value.`, `give ${name}=VALUE, or set the variable ${name}`);
    return { name, secret: givenSecret(text, secretName(task, name)) };
  });
  return {
    list: [
      ...plainArguments(arg, io.env),
      ...secrets.map(({ name, secret }) => ({ name, isSecret: true, secretRef: secret.ref })),
    ],
    secrets: secrets.map(({ secret }) => secret),
  };
};

/** The parts of a request that create and update share; what is not asked for is left out. */
export const taskParts = async (session: Session, options: StepOptions, task: string) => {
  const { list, secrets } = argumentsOf(session, options, task);
  const token = options.gitAccessToken && givenSecret(options.gitAccessToken, secretName(task, 'git-access-token'));
  const images = await withRegistry(session, options.image, options.registry);
  const { status, platform: platformList, cpu, agentPool, timeout, tag } = options;
  return {
    secrets: token ? [...secrets, token] : secrets,
    step: {
      ...(token ? { contextAccessToken: token.ref } : {}),
      ...(images === undefined ? {} : { imageNames: images }),
      ...(options.push === null ? {} : { isPushEnabled: options.push }),
      ...(options.cache === null ? {} : { noCache: !options.cache }),
      ...(options.target === undefined ? {} : { target: options.target }),
      ...(list === undefined ? {} : { arguments: list }),
    },
    task: {
      ...(status === undefined ? {} : { status }),
      ...(platformList === undefined ? {} : { platforms: [...platformList] }),
      ...(cpu === undefined ? {} : { agentConfiguration: { cpu } }),
      ...(agentPool === undefined ? {} : { agentPoolName: agentPool }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(tag === undefined ? {} : { tags: Object.fromEntries(tag.map(({ name, value }) => [name, value ?? ''])) }),
    },
  };
};
