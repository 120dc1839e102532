import { Counter, Gauge, type Registry } from 'prom-client';
import type { SeenBy } from '#libs/contracts';
import type { HubTags } from './hub-tags.js';
import type { Poller, PollingView } from './poller.js';

export interface WatchMetrics {
  looked(seenBy: SeenBy): void;
  requested(method: string): void;
}

/** Registries that have series of their own: those with the most tags. Others are left out, so series are bounded. */
const registriesShown = 50;

const gauges: readonly (readonly [name: string, help: string, value: (view: PollingView) => number | undefined])[] = [
  ['tags', 'Tags that are polled at a registry.', ({ tags }) => tags],
  ['allowed_per_second', 'Requests per second that a registry may be asked now.', ({ allowed }) => allowed],
  ['used_per_second', 'Requests per second that it was asked in the last minute.', ({ used }) => used],
  [
    'paused',
    '1 while a registry is left alone after refusals or failures.',
    (view) => Number(view.pausedUntil !== null),
  ],
  ['failures_in_row', 'Looks that failed or were refused one after the other.', ({ failures }) => failures],
  ['quota_remaining', 'What a registry said last of its pull quota.', ({ quota }) => quota?.remaining],
  ['looks_spend_quota', '1 when looks seem to spend the pull quota.', ({ looksCount }) => Number(looksCount)],
];

/** Figures of watching for Prometheus: counters of looks and requests, and the state of each registry when it is read. */
export const pollingMetrics = (registry: Registry, poller: Pick<Poller, 'polled' | 'view'>): WatchMetrics => {
  const looks = new Counter({
    name: 'plinth_looks_total',
    help: 'Looks at tags that a registry answered, by what made Plinth look.',
    labelNames: ['seen_by'],
    registers: [registry],
  });
  const requests = new Counter({
    name: 'plinth_registry_requests_total',
    help: 'Requests of the watcher to registries and their token servers, by method.',
    labelNames: ['method'],
    registers: [registry],
  });
  for (const [name, help, value] of gauges) {
    new Gauge({
      name: `plinth_polling_${name}`,
      help,
      labelNames: ['registry'],
      registers: [registry],
      collect() {
        this.reset();
        const views = [...poller.polled()].map((host) => ({ host, view: poller.view(host) }));
        const shown = views.sort((a, b) => b.view.tags - a.view.tags).slice(0, registriesShown);
        for (const { host, view } of shown) {
          const figure = value(view);
          if (figure !== undefined) this.set({ registry: host }, figure);
        }
      },
    });
  }
  return { looked: (seenBy) => looks.inc({ seen_by: seenBy }), requested: (method) => requests.inc({ method }) };
};

/** Figures of the lists of tags that are read at Docker Hub. */
export const hubMetrics = (registry: Registry, hub: Pick<HubTags, 'view'>): void => {
  new Gauge({
    name: 'plinth_hub_repositories',
    help: 'Repositories at Docker Hub whose lists of tags are read.',
    registers: [registry],
    collect() {
      this.set(hub.view().repositories);
    },
  });
  new Counter({
    name: 'plinth_hub_requests_total',
    help: 'Pages of lists of tags that were asked of Docker Hub.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(hub.view().requests);
    },
  });
};
