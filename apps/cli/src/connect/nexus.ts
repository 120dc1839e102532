import { basic, each, sendsTo, type Connector, type Made } from './connector.js';

/**
 * Sonatype Nexus: a capability "Webhook: Repository" for each repository, by the REST API for capabilities that newer
 * versions have (its description is at /service/rest/swagger.json of an instance). It cannot send a test.
 */
const capabilities = '/service/rest/v1/capabilities';
const type = 'webhook.repository';

interface Capability {
  readonly id?: string;
  readonly type?: string;
  readonly properties?: { readonly repository?: string; readonly url?: string };
}

export const nexus: Connector = {
  proof: 'secret',
  api: (host) => `https://${host}`,
  places: each('a repository', /^[A-Za-z0-9._-]+$/),
  login: 'USER:PASSWORD of an administrator, or a user token in that form',
  signer: basic,

  list: async (api, place, target): Promise<Made[]> => {
    const found = api.list(await api.call('GET', capabilities)) as Capability[];
    return found.flatMap(({ id, type: kind, properties }) =>
      id !== undefined && kind === type && properties?.repository === place && sendsTo(properties.url, target)
        ? [{ place, id, url: properties.url }]
        : [],
    );
  },

  save: async (api, place, _target, { url, secret }, existing) => {
    const properties = { repository: place, names: 'component', url, secret };
    const body = { type, notes: 'Plinth: tells of new components.', enabled: true, properties };
    if (existing) await api.call('PUT', `${capabilities}/${existing.id}`, { body: { id: existing.id, ...body } });
    else await api.call('POST', capabilities, { body });
  },

  remove: async (api, { id }) => {
    await api.call('DELETE', `${capabilities}/${id}`, { absent: [404] });
  },
};
