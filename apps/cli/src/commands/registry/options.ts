import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CallInput } from '#libs/contracts';
import { usageError } from '../../errors.js';
import { nonEmpty, oneOf, secretRef, wholeNumber } from '../../parsers.js';

type Definition = CallInput<'createRegistry'>;

export interface RegistryOptions {
  readonly kind?: NonNullable<Definition['kind']>;
  readonly scheme?: 'https' | 'http';
  readonly endpoint?: string;
  readonly ca?: string;
  readonly username?: string;
  readonly password?: string;
  readonly notifications?: 'distribution';
  readonly notificationSecret?: string;
  readonly poll?: number;
  readonly dryRun?: boolean;
}

const hostAndPort = (text: string): string => {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$|^\[[0-9a-fA-F:]+\](:\d{1,5})?$/.test(text)) {
    throw new InvalidArgumentError('expected host:port');
  }
  return text;
};

const reference = 'a stored secret, env:NAME or file:/path';

export const addRegistryOptions = (command: Command): Command =>
  command
    .addOption(new Option('--kind <kind>', 'what it runs').argParser(oneOf('Distribution', 'Generic')))
    .addOption(new Option('--scheme <scheme>', 'https unless said').argParser(oneOf('https', 'http')))
    .option('--endpoint <host:port>', 'where to talk to, where that is not the host of references', hostAndPort)
    .option('--ca <secret-ref>', `where the PEM of its authority is: ${reference}`, secretRef)
    .option('-u, --username <name>', 'name to log in with', nonEmpty)
    .option('--password <secret-ref>', `where its password is, never the password: ${reference}`, secretRef)
    .addOption(new Option('--notifications <dialect>', 'how it notifies').argParser(oneOf('distribution')))
    .option('--notification-secret <secret-ref>', `where the secret of its notifications is: ${reference}`, secretRef)
    .option('--poll <seconds>', 'how often each watched tag is looked at', wholeNumber(1, 86_400, 'seconds'))
    .option('--dry-run', 'print what would be sent, and send nothing');

/** @throws CliError (usage) when one half of a pair is missing */
export const registryParts = (options: RegistryOptions): Omit<Definition, 'host'> => {
  const { kind, scheme, endpoint, ca, username, password, notifications, notificationSecret, poll } = options;
  if ((username === undefined) !== (password === undefined)) {
    throw usageError('--username and --password belong together.', 'store the password first: plinth secret set NAME');
  }
  if ((notifications === undefined) !== (notificationSecret === undefined)) {
    throw usageError('--notifications and --notification-secret belong together.', 'give both');
  }
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(ca === undefined ? {} : { ca }),
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } }),
    ...(notifications === undefined || notificationSecret === undefined
      ? {}
      : { notifications: { dialect: notifications, secret: notificationSecret } }),
    ...(poll === undefined ? {} : { poll: { intervalSeconds: poll } }),
  };
};
