import type { RegistryView } from '#libs/contracts';
import type { Column } from '../output/table.js';

export const registryColumns: readonly Column<RegistryView>[] = [
  { title: 'host', value: ({ host }) => host },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'scheme', value: ({ scheme }) => scheme },
  { title: 'login', value: ({ credentials }) => credentials?.username },
  { title: 'notifies', value: ({ notifications }) => notifications?.dialect },
  { title: 'poll', value: ({ poll }) => `${poll.intervalSeconds}s` },
  { title: 'watched', value: ({ watchedTags }) => watchedTags },
  { title: 'endpoint', value: ({ endpoint }) => endpoint, wide: true },
  { title: 'last error', value: ({ lastError }) => lastError },
];

const notificationsOf = (
  { dialect, nats }: NonNullable<RegistryView['notifications']>,
  hookPath: string | null,
): string =>
  [dialect, hookPath && `to ${hookPath}`, nats && `on ${nats.server}, subject ${nats.subject}`]
    .filter(Boolean)
    .join(', ');

export const registryFields = (registry: RegistryView): (readonly [string, string | null | undefined])[] => [
  ['Host', registry.host],
  ['Kind', registry.kind],
  ['Scheme', registry.scheme],
  ['Endpoint', registry.endpoint],
  ['Authority', registry.ca && `in ${registry.ca}`],
  ['Mirror of', registry.mirrorOf && registry.mirrorOf + (registry.mirrorPath ? `, below ${registry.mirrorPath}` : '')],
  ['Client certificate', registry.clientCertificate && `in ${registry.clientCertificate.certificate}`],
  ['May send us to', registry.addressPolicy?.join(', ')],
  ['Login', registry.credentials && `${registry.credentials.username}, password in ${registry.credentials.password}`],
  ['Notifications', registry.notifications && notificationsOf(registry.notifications, registry.hookPath)],
  ['Last notified', registry.lastNotificationAt],
  ['Poll', `every ${registry.poll.intervalSeconds} s`],
  ['Watched tags', String(registry.watchedTags)],
  ['Last error', registry.lastError],
];
