import { randomBytes } from 'node:crypto';
import type { NotificationDialect, RegistryView } from '#libs/contracts';
import { usageError } from '../errors.js';
import { wouldBe, validated } from '../requests/dry-run.js';
import { readSecret } from '../requests/secret-input.js';
import type { Session } from '../session.js';
import { RegistryApi } from './api.js';
import type { Connector, Made, Target } from './connector.js';
import { nameOf, notificationsOf, secretNameOf, urlOf } from './proof.js';
import { untilNotified } from './wait.js';

export interface ApiConnectOptions {
  readonly in?: readonly string[];
  readonly apiLogin?: string;
  readonly api?: string;
  readonly identity?: string;
  readonly list?: boolean;
  readonly remove?: boolean;
  readonly wait: boolean;
  readonly timeout?: number;
  readonly dryRun?: boolean;
}

const hidden = '•••';

/** The login from a file, a variable, or stdin: never from the command line. @throws CliError (usage) */
const readLogin = async (session: Session, from: string | undefined, what: string): Promise<string> => {
  if (from === undefined) {
    throw usageError(
      'The API of the registry wants a login.',
      `give one with --api-login FILE, env:NAME or -: ${what}`,
    );
  }
  if (!from.startsWith('env:')) return readSecret(session, from, 'The login');
  const value = session.io.env[from.slice(4)];
  if (value) return value;
  throw usageError(`The variable ${from.slice(4)} is not set.`, `it is to hold: ${what}`);
};

/** A login as it may come back in an answer: whole, in its parts, and as HTTP's Basic has it. */
const formsOf = (login: string): string[] => [
  login,
  Buffer.from(login).toString('base64'),
  ...login.split(':').filter((part) => part.length >= 8),
];

/** Sets up, lists or removes the notifications of a registry by its own API. */
export const connectByApi = async (
  session: Session,
  connector: Connector,
  registry: RegistryView,
  { dialect, server }: { readonly dialect: NotificationDialect; readonly server: string },
  options: ApiConnectOptions,
): Promise<void> => {
  const { host } = registry;
  const { printer } = session;
  const address = `${server}/v1/hooks/${dialect}/${host}`;
  const target: Target = { host, address, name: nameOf(address), dialect, identity: options.identity };
  const places = connector.places(options.in ?? [], host);
  const changes = !options.list && !options.remove;
  if (changes && connector.identity !== undefined && options.identity === undefined) {
    throw usageError('It is not said as whom the registry sends.', `give --identity: ${connector.identity}`);
  }
  const login = await readLogin(session, options.apiLogin, connector.login);
  const secret = options.dryRun ? hidden : randomBytes(32).toString('hex');
  const calls: object[] = [];
  const api = new RegistryApi({
    base: options.api ?? connector.api(host),
    plain: registry.scheme === 'http',
    signer: connector.signer(login, host),
    hidden: [...formsOf(login), ...(options.dryRun ? [] : [secret])],
    signal: session.io.interrupted,
    ...(options.dryRun && { dry: (call) => void calls.push(call) }),
  });
  const found = (await Promise.all(places.map((place) => connector.list(api, place, target)))).flat();

  if (options.list) return printMade(session, host, found);
  if (options.remove) {
    for (const made of found) await connector.remove(api, made, target);
    if (options.dryRun) return wouldBe(session, { calls }, 'sent');
    for (const { place } of found) printer.note(`Removed from ${host}: what was set up for ${place}.`);
    if (found.length === 0) printer.note(`Nothing of this Plinth is set up there for ${places.join(', ')}.`);
    const forgetting = connector.proof === 'secret' ? `, then plinth secret remove ${secretNameOf(host)}` : '';
    printer.note(`To take its notifications no more: plinth registry update ${host} --no-notifications${forgetting}`);
    return;
  }

  const sending = { url: urlOf(connector.proof, address, secret), secret };
  const input = { host, notifications: notificationsOf(connector.proof, target, secret, registry.notifications) };
  if (options.dryRun) {
    // The hash of the dots would look like a key's.
    const { keyHash, ...shown } = input.notifications;
    if (keyHash === undefined) await validated('updateRegistry', input);
    calls.unshift({ method: 'PATCH', url: `${server}/v1/registries/${host}`, body: { notifications: shown } });
  } else {
    const plinth = await session.client();
    if (connector.proof === 'secret') await plinth.setSecret({ name: secretNameOf(host), value: secret });
    await plinth.updateRegistry(input);
  }
  for (const place of places) {
    const [existing, ...others] = found.filter((made) => made.place === place);
    await connector.save(api, place, target, sending, existing);
    for (const made of others) await connector.remove(api, made, target);
  }
  if (options.dryRun) return wouldBe(session, { calls }, 'sent');

  const now = (await Promise.all(places.map((place) => connector.list(api, place, target)))).flat();
  await printMade(session, host, now);
  if (registry.notifications) {
    printer.note(
      'What was set up before, with another secret, counts no more: give every place of it in one call, with --in.',
    );
  }
  for (const made of now) await connector.test?.(api, made, target, sending);
  if (!options.wait) return;
  printer.note(
    connector.test
      ? `Waiting for the notification that ${host} was told to send. Ctrl-C ends the waiting alone.`
      : `Waiting for the first notification of ${host}; push something to it. Ctrl-C ends the waiting alone.`,
  );
  await untilNotified(session, host, registry.lastNotificationAt, options.timeout);
};

/** A key at the end of an address is a secret. */
const withoutKey = (url: string): string => url.replace(/(\/v1\/hooks\/[^/]+\/[^/]+)\/.+$/, `$1/${hidden}`);

const printMade = ({ printer }: Session, host: string, made: readonly Made[]): Promise<void> =>
  printer.list({
    items: made.map((one) => ({ ...one, url: withoutKey(one.url) })),
    columns: [
      { title: 'place', value: ({ place }) => place },
      { title: 'id', value: ({ id }) => id },
      { title: 'sends to', value: ({ url }) => url },
    ],
    name: ({ id }) => id,
    empty: `${host} has nothing set up there that sends to this Plinth.`,
  });
