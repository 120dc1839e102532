import { bearer, sendsTo, type Connector, type Made } from './connector.js';

/**
 * JFrog Artifactory: one webhook subscription, for all local repositories or for those that are named
 * (jfrog.com/help, "JFrog REST APIs", Webhooks). Bodies are signed.
 */
const subscriptions = '/event/api/v1/subscriptions';
const all = 'all local repositories';

interface Subscription {
  readonly key?: string;
  readonly handlers?: readonly { readonly url?: string }[];
}

const subscription = (key: string, place: string, url: string, secret: string) => {
  const repoKeys = place === all ? [] : place.split(',');
  return {
    key,
    description: 'Plinth: tells of pushed tags.',
    enabled: true,
    event_filter: {
      domain: 'docker',
      event_types: ['pushed'],
      criteria: { anyLocal: place === all, anyRemote: false, repoKeys, includePatterns: [], excludePatterns: [] },
    },
    handlers: [{ handler_type: 'webhook', url, secret, use_secret_for_signing: true }],
  };
};

export const artifactory: Connector = {
  proof: 'secret',
  api: (host) => `https://${host}`,
  places: (named) => [named.length === 0 ? all : named.join(',')],
  login: 'access token of an administrator',
  signer: (token) => bearer(token),

  list: async (api, place, target): Promise<Made[]> => {
    const found = api.list(await api.call('GET', subscriptions)) as Subscription[];
    return found.flatMap(({ key, handlers }) => {
      const url = handlers?.find((handler) => sendsTo(handler.url, target))?.url;
      return key === undefined || url === undefined ? [] : [{ place, id: key, url }];
    });
  },

  save: async (api, place, { name }, { url, secret }, existing) => {
    const body = subscription(existing?.id ?? name, place, url, secret);
    if (existing) await api.call('PUT', `${subscriptions}/${encodeURIComponent(existing.id)}`, { body });
    else await api.call('POST', subscriptions, { body });
  },

  remove: async (api, { id }) => {
    await api.call('DELETE', `${subscriptions}/${encodeURIComponent(id)}`, { absent: [404] });
  },

  test: async (api, { id, place }, _target, { url, secret }) => {
    await api.call('POST', `${subscriptions}/test`, { body: subscription(id, place, url, secret) });
  },
};
