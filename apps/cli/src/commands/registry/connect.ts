import { randomBytes } from 'node:crypto';
import { Argument, Option, type Command } from 'commander';
import type { CallInput, NotificationDialect, RegistryView } from '#libs/contracts';
import { command } from '../../command.js';
import { connectByApi, type ApiConnectOptions } from '../../connect/by-api.js';
import { connectorOf, connectors } from '../../connect/index.js';
import { notificationsOf, secretNameOf, urlOf } from '../../connect/proof.js';
import { printable, snippets, type Printable } from '../../connect/snippets.js';
import { untilNotified } from '../../connect/wait.js';
import { usageError } from '../../errors.js';
import { collect, duration, nonEmpty, oneOf, registryHost } from '../../parsers.js';
import { dryRun } from '../../requests/dry-run.js';

type Connectable = Printable | keyof typeof connectors;
const connectable = [...printable, ...Object.keys(connectors)] as Connectable[];

interface Options extends ApiConnectOptions {
  readonly dialect?: Connectable;
  readonly url?: string;
}

/** Hosts that can be nothing else. */
const wellKnown: readonly (readonly [RegExp, Connectable])[] = [
  [/^docker\.io$/, 'dockerhub'],
  [/^ghcr\.io$/, 'github'],
  [/^quay\.io$/, 'quay'],
  [/\.azurecr\.(io|cn|us)$/, 'acr'],
  [/^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/, 'ecr'],
  [/^(.+-docker\.pkg\.dev|([a-z]+\.)?gcr\.io)$/, 'google'],
];

/** Which kind of registry it is, as far as that is known. @throws CliError (usage) */
const dialectOf = ({ host, kind, notifications }: RegistryView, asked: Connectable | undefined): Connectable => {
  const known = connectable.find((one) => one === notifications?.dialect);
  const found = asked ?? known ?? wellKnown.find(([form]) => form.test(host))?.[1];
  if (found) return found;
  if (kind === 'Distribution') return 'distribution';
  throw usageError(
    `What ${host} runs is not known.`,
    `say it with --dialect: ${connectable.join(', ')}; others are in docs/registries.md`,
  );
};

const isPrintable = (dialect: Connectable): dialect is Printable => (printable as readonly string[]).includes(dialect);

const logins = (): string =>
  Object.entries(connectors)
    .map(([dialect, { login, identity }]) => `  ${dialect}: ${login}${identity ? `; --identity is ${identity}` : ''}`)
    .join('\n');

export default command<Options, [string]>({
  describe: (connect: Command) =>
    connect
      .addArgument(new Argument('<registry>', 'its host').argParser(registryHost))
      .addOption(
        new Option('--dialect <dialect>', 'what it runs, where that is not known').argParser(oneOf(...connectable)),
      )
      .option('--url <url>', 'where the registry reaches Plinth; the server that is in use unless said', nonEmpty)
      .option('--in <place>', 'project, repository or organisation at the registry; repeat it', collect(nonEmpty))
      .option('--api-login <file>', "file with the login of the registry's API, env:NAME, or - for stdin", nonEmpty)
      .option('--api <url>', 'address of that API, where it is not the usual one', nonEmpty)
      .option('--identity <identity>', 'as whom a cloud sends: a service account, a role', nonEmpty)
      .option('--list', 'print what is set up at the registry, and change nothing')
      .option('--remove', 'take away what is set up at the registry')
      .option('--no-wait', 'do not wait for the first notification')
      .option('--timeout <time>', 'wait so long at most, such as 10m', duration)
      .option('--dry-run', 'print what would be sent, to Plinth and to the registry, and send nothing')
      .addHelpText(
        'after',
        `\nDistribution, zot and Docker Hub have no API for it: what to set up is printed, with a new secret; the one
before it counts no more. The others are set up by their API. It is used once, with a login that is not kept:
${logins()}`,
      ),

  async run(session, options, host) {
    const plinth = await session.client();
    const registry = await plinth.getRegistry({ host });
    const dialect = dialectOf(registry, options.dialect);
    const server = (options.url ?? (await session.connection()).server).replace(/\/+$/, '');
    const connector = connectorOf(dialect);
    if (connector) return connectByApi(session, connector, registry, { dialect, server }, options);
    if (isPrintable(dialect)) return print(session, registry, { dialect, server }, options);
  },
});

/** Prints what to set up by hand, and waits for what comes of it. */
const print = async (
  session: Parameters<typeof untilNotified>[0],
  { host, notifications: known, lastNotificationAt }: RegistryView,
  { dialect, server }: { readonly dialect: Printable & NotificationDialect; readonly server: string },
  options: Options,
): Promise<void> => {
  if (options.list || options.remove || options.in || options.apiLogin) {
    const next = 'without --list, --remove, --in and --api-login it prints what to set up there by hand';
    throw usageError(`${dialect} has no API for its notifications.`, next);
  }
  const secret = randomBytes(32).toString('hex');
  const proof = dialect === 'dockerhub' ? 'key' : 'secret';
  const address = `${server}/v1/hooks/${dialect}/${host}`;
  const notifications = notificationsOf(proof, { host, dialect, address, identity: undefined }, secret, known);
  const input: CallInput<'updateRegistry'> = { host, notifications };
  if (options.dryRun) return dryRun(session, 'updateRegistry', input);
  const plinth = await session.client();
  if (proof === 'secret') await plinth.setSecret({ name: secretNameOf(host), value: secret });
  await plinth.updateRegistry(input);

  const url = urlOf(proof, address, secret);
  const snippet = snippets[dialect]({ url, secret });
  await session.printer.item({ host, dialect, url, snippet }, () => snippet);
  if (!options.wait) return;
  session.printer.note(
    `Waiting for the first notification of ${host}; push something to it. Ctrl-C ends the waiting alone.`,
  );
  await untilNotified(session, host, lastNotificationAt, options.timeout);
};
