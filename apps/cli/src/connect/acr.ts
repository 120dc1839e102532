import { bearer, each, sendsTo, type Connector, type Made, type Target } from './connector.js';

/**
 * Azure Container Registry: a webhook of the registry, by Azure Resource Manager
 * (learn.microsoft.com/rest/api/container-registry/webhooks). Where a webhook sends to is not among its properties: that
 * is asked for by `getCallbackConfig`.
 */
const version = '?api-version=2023-07-01';
/** Names are letters and digits. */
const webhook = (registry: string, { name }: Pick<Target, 'name'>): string =>
  `${registry}/webhooks/${name.replace(/[^A-Za-z0-9]/g, '')}`;

export const acr: Connector = {
  proof: 'secret',
  api: () => 'https://management.azure.com',
  places: each(
    'the resource id of the registry (az acr show --query id)',
    /^\/subscriptions\/[^/?#]+\/resourceGroups\/[^/?#]+\/providers\/Microsoft\.ContainerRegistry\/registries\/[A-Za-z0-9]+$/i,
  ),
  login: 'access token of Azure Resource Manager (az account get-access-token --query accessToken -o tsv)',
  signer: (token) => bearer(token),

  list: async (api, place, target): Promise<Made[]> => {
    const id = webhook(place, target);
    const there = await api.call('GET', `${id}${version}`, { absent: [404] });
    if (there === undefined) return [];
    const config = await api.call('POST', `${id}/getCallbackConfig${version}`, { reads: true });
    const url = (config as { serviceUri?: string } | undefined)?.serviceUri;
    return sendsTo(url, target) ? [{ place, id, url }] : [];
  },

  save: async (api, place, target, { url, secret }) => {
    const registry = (await api.call('GET', `${place}${version}`)) as { location?: string } | undefined;
    const body = {
      location: registry?.location,
      properties: {
        serviceUri: url,
        customHeaders: { Authorization: `Bearer ${secret}` },
        actions: ['push'],
        status: 'enabled',
      },
    };
    await api.call('PUT', `${webhook(place, target)}${version}`, { body });
  },

  remove: async (api, { id }) => {
    await api.call('DELETE', `${id}${version}`, { absent: [404] });
  },

  test: async (api, { id }) => {
    await api.call('POST', `${id}/ping${version}`);
  },
};
