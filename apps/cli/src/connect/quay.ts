import { bearer, each, segment, sendsTo, type Connector, type Made } from './connector.js';

/**
 * Quay: notifications of a repository (docs.quay.io/api/swagger, "repositorynotification"). They cannot be changed: a new
 * one is made, and then the old one removed.
 */
const notifications = (repository: string): string => `/api/v1/repository/${segment(repository)}/notification/`;

interface Notification {
  readonly uuid?: string;
  readonly config?: { readonly url?: string };
}

export const quay: Connector = {
  proof: 'key',
  api: (host) => `https://${host}`,
  places: each('a repository, NAMESPACE/NAME', /^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._/-]*$/),
  login: 'access token of an OAuth application, with the right to administer the repositories',
  signer: (token) => bearer(token),

  list: async (api, place, target): Promise<Made[]> => {
    const answer = (await api.call('GET', notifications(place))) as { notifications?: unknown } | undefined;
    return (api.list(answer?.notifications) as Notification[]).flatMap(({ uuid, config }) =>
      uuid !== undefined && sendsTo(config?.url, target) ? [{ place, id: uuid, url: config.url }] : [],
    );
  },

  save: async (api, place, { name }, { url }, existing) => {
    const body = { event: 'repo_push', method: 'webhook', config: { url }, eventConfig: {}, title: name };
    await api.call('POST', notifications(place), { body });
    if (existing) await api.call('DELETE', `${notifications(place)}${existing.id}`, { absent: [404] });
  },

  remove: async (api, { place, id }) => {
    await api.call('DELETE', `${notifications(place)}${id}`, { absent: [404] });
  },

  test: async (api, { place, id }) => {
    await api.call('POST', `${notifications(place)}${id}/test`, { body: {} });
  },
};
