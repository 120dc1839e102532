import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CallInput, NotificationDialect } from '#libs/contracts';
import { notificationDialects } from '#libs/contracts/light';
import { usageError } from '../../errors.js';
import { collect, duration, matching, nonEmpty, oneOf, secretRef, wholeNumber } from '../../parsers.js';
import { sendsNothing } from '../../requests/dry-run.js';

type Definition = CallInput<'createRegistry'>;
type Notifications = NonNullable<Definition['notifications']>;
type Poll = NonNullable<Definition['poll']>;
type Rewrite = NonNullable<Notifications['rewrites']>[number];

export interface RegistryOptions {
  readonly kind?: NonNullable<Definition['kind']>;
  readonly scheme?: 'https' | 'http';
  readonly endpoint?: string;
  readonly ca?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly allowAddress?: readonly string[];
  readonly mirrorOf?: string;
  readonly mirrorPath?: string;
  readonly username?: string;
  readonly password?: string;
  readonly notifications?: NotificationDialect;
  readonly notificationSecret?: string;
  readonly notificationKeyHash?: string;
  readonly notificationAudience?: string;
  readonly notificationAccount?: string;
  readonly notificationNats?: string;
  readonly notificationSubject?: string;
  readonly notificationNatsUsername?: string;
  readonly notificationNatsPassword?: string;
  readonly notificationNatsCredentials?: string;
  readonly notificationNatsCa?: string;
  readonly notificationRewrite?: readonly Rewrite[];
  readonly poll?: Poll;
  readonly pollConcurrency?: number;
  readonly dryRun?: boolean;
}

const hostAndPort = (text: string): string => {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$|^\[[0-9a-fA-F:]+\](:\d{1,5})?$/.test(text)) {
    throw new InvalidArgumentError('expected host:port');
  }
  return text;
};

const keyHash = (text: string): string => {
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) {
    throw new InvalidArgumentError('expected sha256: and 64 hexadecimal digits, the hash of the key');
  }
  return text;
};

const rewrite = (text: string, before: readonly Rewrite[] = []): readonly Rewrite[] => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected FROM=TO, such as docker-local/=docker/');
  return [...before, { from: text.slice(0, at), to: text.slice(at + 1) }];
};

/** `900`, `15m`, `10m-60m` or `5/s`. */
const pace = (text: string): Poll => {
  const perSecond = /^(\d+(?:\.\d+)?)\/s$/.exec(text);
  if (perSecond) return { requestsPerSecond: Number(perSecond[1]) };
  const [from, to, ...more] = text.split('-');
  if (more.length > 0) throw new InvalidArgumentError('expected 15m, 10m-60m or 5/s');
  const seconds = (time: string) => duration(time) / 1000;
  if (to === undefined) return { intervalSeconds: seconds(from!) };
  if (seconds(from!) > seconds(to)) throw new InvalidArgumentError('expected the shorter time first: 10m-60m');
  return { randomSeconds: { from: seconds(from!), to: seconds(to) } };
};

const network = collect(matching(/^[0-9a-fA-F.:]+\/\d{1,3}$/, 'a network such as 10.20.0.0/16'));

const reference = 'a stored secret, env:NAME or file:/path';

export const addRegistryOptions = (command: Command): Command =>
  command
    .addOption(new Option('--kind <kind>', 'what it runs').argParser(oneOf('Distribution', 'Generic')))
    .addOption(new Option('--scheme <scheme>', 'https unless said').argParser(oneOf('https', 'http')))
    .option('--endpoint <host:port>', 'where to talk to, where that is not the host of references', hostAndPort)
    .option('--ca <secret-ref>', `where the PEM of its authority is: ${reference}`, secretRef)
    .option('--client-certificate <secret-ref>', `where the PEM of a certificate to show is: ${reference}`, secretRef)
    .option('--client-key <secret-ref>', `where the PEM of its private key is: ${reference}`, secretRef)
    .option('--allow-address <cidr>', 'network that it may send Plinth to though it is not public; repeat it', network)
    .option('--mirror-of <name>', 'follow the images of that registry here: docker.io, docker.io/library', nonEmpty)
    .option('--mirror-path <path>', 'what stands here in place of its path, such as dockerhub/library', nonEmpty)
    .option('-u, --username <name>', 'name to log in with', nonEmpty)
    .option('--password <secret-ref>', `where its password is, never the password: ${reference}`, secretRef)
    .addOption(new Option('--notifications <dialect>', 'how it notifies').argParser(oneOf(...notificationDialects)))
    .option('--notification-secret <secret-ref>', `where the secret of its notifications is: ${reference}`, secretRef)
    .option('--notification-key-hash <hash>', 'SHA-256 of the key at the end of their address: sha256:…', keyHash)
    .option('--notification-audience <text>', 'audience of the tokens that they carry', nonEmpty)
    .option('--notification-account <email>', 'account of the tokens that they carry', nonEmpty)
    .option('--notification-nats <url>', 'NATS server that it publishes them on: nats://host:port', nonEmpty)
    .option('--notification-subject <subject>', 'subject that it publishes on there', nonEmpty)
    .option('--notification-nats-username <name>', 'name to log in with there', nonEmpty)
    .option('--notification-nats-password <secret-ref>', `where its password is: ${reference}`, secretRef)
    .option('--notification-nats-credentials <secret-ref>', `where a NATS credentials file is: ${reference}`, secretRef)
    .option('--notification-nats-ca <secret-ref>', `where the PEM of its authority is: ${reference}`, secretRef)
    .option('--notification-rewrite <from=to>', 'how names in them begin, and in references; repeat it', rewrite)
    .option(
      '--poll <pace>',
      'how tags are looked at: every 15m, at random 10m-60m, or by a budget of requests 5/s',
      pace,
    )
    .option('--poll-concurrency <looks>', 'looks that are under way at most', wholeNumber(1, 256, 'looks'))
    .option(...sendsNothing);

/** @throws CliError (usage) when one half of a pair is missing */
const natsOf = (options: RegistryOptions): Notifications['nats'] => {
  const { notificationNats: server, notificationSubject: subject } = options;
  const { notificationNatsUsername: username, notificationNatsPassword: password } = options;
  const { notificationNatsCredentials: credentials, notificationNatsCa: ca } = options;
  if (server === undefined || subject === undefined) {
    if ([server, subject, username, password, credentials, ca].every((one) => one === undefined)) return undefined;
    throw usageError('--notification-nats and --notification-subject belong together.', 'give both');
  }
  if ((username === undefined) !== (password === undefined)) {
    throw usageError('--notification-nats-username and --notification-nats-password belong together.', 'give both');
  }
  return {
    server,
    subject,
    ...(username === undefined || password === undefined ? {} : { login: { username, password } }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(ca === undefined ? {} : { ca }),
  };
};

/** @throws CliError (usage) when there is a setting of notifications without the dialect, or the other way round */
const notificationsOf = (options: RegistryOptions): Notifications | undefined => {
  const { notifications: dialect, notificationSecret: secret, notificationKeyHash: hash } = options;
  const { notificationAudience: audience, notificationAccount: email, notificationRewrite: rewrites } = options;
  if ((audience === undefined) !== (email === undefined)) {
    throw usageError('--notification-audience and --notification-account belong together.', 'give both');
  }
  const nats = natsOf(options);
  const proven = [secret, hash, audience, nats].some((one) => one !== undefined);
  if (dialect === undefined) {
    if (!proven && rewrites === undefined) return undefined;
    throw usageError('--notification-… belong to --notifications.', 'give the dialect: --notifications DIALECT');
  }
  if (!proven) {
    throw usageError(
      '--notifications needs something by which they are known as genuine.',
      'give --notification-secret, --notification-key-hash, --notification-audience and --notification-account, or --notification-nats',
    );
  }
  return {
    dialect,
    ...(secret === undefined ? {} : { secret }),
    ...(hash === undefined ? {} : { keyHash: hash }),
    ...(audience === undefined || email === undefined ? {} : { oidc: { audience, email } }),
    ...(nats === undefined ? {} : { nats }),
    ...(rewrites === undefined ? {} : { rewrites: [...rewrites] }),
  };
};

/** @throws CliError (usage) when one half of a pair is missing */
export const registryParts = (options: RegistryOptions): Omit<Definition, 'host'> => {
  const { kind, scheme, endpoint, ca, username, password } = options;
  const { mirrorOf, mirrorPath, poll, pollConcurrency: concurrency } = options;
  const { clientCertificate: certificate, clientKey: key, allowAddress } = options;
  const notifications = notificationsOf(options);
  if ((username === undefined) !== (password === undefined)) {
    throw usageError('--username and --password belong together.', 'store the password first: plinth secret set NAME');
  }
  if ((certificate === undefined) !== (key === undefined)) {
    throw usageError('--client-certificate and --client-key belong together.', 'give both');
  }
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined || key === undefined ? {} : { clientCertificate: { certificate, key } }),
    ...(mirrorOf === undefined ? {} : { mirrorOf }),
    ...(mirrorPath === undefined ? {} : { mirrorPath }),
    ...(allowAddress === undefined ? {} : { addressPolicy: [...allowAddress] }),
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } }),
    ...(notifications === undefined ? {} : { notifications }),
    ...(poll === undefined && concurrency === undefined
      ? {}
      : { poll: { ...poll, ...(concurrency === undefined ? {} : { concurrency }) } }),
  };
};
