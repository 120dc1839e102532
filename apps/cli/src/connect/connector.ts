import type { NotificationDialect } from '#libs/contracts';
import { usageError } from '../errors.js';
import type { RegistryApi, Signer } from './api.js';

/** What a registry is told to send, and where to. */
export interface Sending {
  /** Address that notifications go to, with the key where there is one. */
  readonly url: string;
  readonly secret: string;
}

/** A notification that is set up at a registry. */
export interface Made {
  /** Project, repository, organisation …: what it is set up for. */
  readonly place: string;
  /** What the registry calls it. */
  readonly id: string;
  /** Where it sends to. */
  readonly url: string;
}

/** Which registry, and how Plinth is reached from it. */
export interface Target {
  readonly host: string;
  /** The address of all its notifications, without a key: what begins with it is ours. */
  readonly address: string;
  /** Name for what is made, the same each time: `plinth-` and 8 digits that stand for the address. */
  readonly name: string;
  readonly dialect: NotificationDialect;
  /** Role or account that the registry's cloud sends with. */
  readonly identity: string | undefined;
}

/**
 * How notifications are set up by the API of one kind of registry. A connector is a file like its neighbours and a line
 * in `index.ts`. It changes only what sends to the target's address.
 */
export interface Connector {
  /** How its notifications are known as genuine. */
  readonly proof: 'secret' | 'key' | 'token';
  /** The API's address, where nobody says another. */
  readonly api: (host: string) => string;
  /** What `--in` names, and what is set up for each or all of them. @throws CliError (usage) */
  readonly places: (named: readonly string[], host: string) => readonly string[];
  /** Words for help and errors: what the login is, and the right that it needs. */
  readonly login: string;
  /** Proves the login to the API. @throws CliError (usage) when it has not the form */
  readonly signer: (login: string, host: string) => Signer;
  /** What `--identity` is, where it is needed. */
  readonly identity?: string;
  /** What is set up at the place that sends to the target. */
  readonly list: (api: RegistryApi, place: string, target: Target) => Promise<readonly Made[]>;
  /** Sets it up, or changes what there is. */
  readonly save: (
    api: RegistryApi,
    place: string,
    target: Target,
    sending: Sending,
    existing: Made | undefined,
  ) => Promise<void>;
  readonly remove: (api: RegistryApi, made: Made, target: Target) => Promise<void>;
  /** Has the registry send something now. Absent where its API cannot. */
  readonly test?: (api: RegistryApi, made: Made, target: Target, sending: Sending) => Promise<void>;
}

/** Whether an address of a notification is one of ours. */
export const sendsTo = (url: unknown, { address }: Target): url is string =>
  typeof url === 'string' && (url === address || url.startsWith(`${address}/`));

/** Each named place by itself. @throws CliError (usage) when none is named, or one has not the form */
export const each =
  (what: string, form: RegExp) =>
  (named: readonly string[]): readonly string[] => {
    const wrong = named.find((place) => !form.test(place));
    if (named.length > 0 && wrong === undefined) return named;
    throw usageError(
      wrong === undefined ? `It is not said where at the registry.` : `--in ${wrong} is not ${what}.`,
      `give ${what}: --in …; repeat it for more`,
    );
  };

/** `user:password` as HTTP has it. @throws CliError (usage) */
export const basic = (login: string): Signer => {
  if (!/^[^:]+:.+$/.test(login)) throw usageError('The login is not USER:PASSWORD.', 'put both into it, with a colon');
  return () => ({ authorization: `Basic ${Buffer.from(login).toString('base64')}` });
};

export const bearer =
  (token: string, scheme: 'Bearer' | 'token' = 'Bearer'): Signer =>
  () => ({ authorization: `${scheme} ${token}` });

/** A path with names in it that may have any letter; slashes of a name stay. */
export const segment = (name: string): string => name.split('/').map(encodeURIComponent).join('/');
