import type { RegistryView } from '#libs/contracts';
import type { Column } from '../output/table.js';

/** As `--poll` takes it. */
const paceOf = ({ intervalSeconds, randomSeconds, requestsPerSecond }: RegistryView['poll']): string => {
  if (intervalSeconds !== undefined) return `${intervalSeconds}s`;
  if (randomSeconds) return `${randomSeconds.from}s-${randomSeconds.to}s`;
  return requestsPerSecond === undefined ? 'as usual' : `${requestsPerSecond}/s`;
};

const figure = (value: number): string => String(Number(value.toPrecision(3)));

const budgetOf = ({ requestsPerSecond, concurrency, allowed, used }: RegistryView['polling']): string =>
  `${figure(requestsPerSecond)} requests/s and ${concurrency} at once at most; ${figure(allowed)}/s now, ${figure(used)}/s used`;

const quotaOf = ({ quota, looksSpendQuota }: RegistryView['polling']): string | null => {
  if (!quota) return null;
  const { remaining, limit, windowSeconds, at } = quota;
  const window = windowSeconds === null ? '' : ` in ${windowSeconds} s`;
  return `${remaining ?? '?'} of ${limit ?? '?'}${window} left at ${at}${looksSpendQuota ? '; looks seem to spend it' : ''}`;
};

export const registryColumns: readonly Column<RegistryView>[] = [
  { title: 'host', value: ({ host }) => host },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'scheme', value: ({ scheme }) => scheme },
  { title: 'login', value: ({ credentials }) => credentials?.username },
  { title: 'notifies', value: ({ notifications }) => notifications?.dialect },
  { title: 'poll', value: ({ poll }) => paceOf(poll) },
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
  ['Poll', paceOf(registry.poll)],
  ['Budget', budgetOf(registry.polling)],
  ['Paused until', registry.polling.pausedUntil],
  ['Pull quota', quotaOf(registry.polling)],
  ['Watched tags', String(registry.watchedTags)],
  ['Last error', registry.lastError],
];
