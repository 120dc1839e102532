import { createHash } from 'node:crypto';
import type { Notifications, RegistryView } from '#libs/contracts';
import type { Connector, Target } from './connector.js';

const hashOf = (key: string): string => `sha256:${createHash('sha256').update(key, 'utf8').digest('hex')}`;

/** Name of the stored secret: of the allowed letters, and always the same for a registry. */
export const secretNameOf = (host: string): string =>
  `notifications-${host.replace(/[^A-Za-z0-9._-]/g, '-')}`.slice(0, 63);

/** The same name each time for what is made at a registry; another one for another Plinth. */
export const nameOf = (address: string): string =>
  `plinth-${createHash('sha256').update(address, 'utf8').digest('hex').slice(0, 8)}`;

/** What the registry's settings say so that its notifications are taken; its rewrites stay. */
export const notificationsOf = (
  proof: Connector['proof'],
  { host, dialect, address, identity }: Pick<Target, 'host' | 'dialect' | 'address' | 'identity'>,
  secret: string,
  before: RegistryView['notifications'],
): Notifications => ({
  dialect,
  ...(proof === 'secret' && { secret: secretNameOf(host) }),
  ...(proof === 'key' && { keyHash: hashOf(secret) }),
  ...(proof === 'token' && {
    oidc: { issuer: before?.oidc?.issuer ?? 'https://accounts.google.com', audience: address, email: identity ?? '' },
  }),
  ...(before?.rewrites && { rewrites: before.rewrites }),
});

/** The address with the key at its end, where the key is the proof. */
export const urlOf = (proof: Connector['proof'], address: string, secret: string): string =>
  proof === 'key' ? `${address}/${secret}` : address;
