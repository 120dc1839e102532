import { basic, each, segment, sendsTo, type Connector, type Made } from './connector.js';

/**
 * Harbor: webhook policies of a project (harbor api/v2.0/swagger.yaml, tag "webhook"). Its API cannot send a test.
 */
const policies = (project: string): string => `/api/v2.0/projects/${segment(project)}/webhook/policies`;
// A project that is called 12 is not the one with the number 12.
const headers = { 'x-is-resource-name': 'true' };

interface Policy {
  readonly id?: number;
  readonly targets?: readonly { readonly address?: string }[];
}

export const harbor: Connector = {
  proof: 'secret',
  api: (host) => `https://${host}`,
  places: each('a project', /^[a-z0-9][a-z0-9._-]*$/),
  login: 'USER:PASSWORD of an administrator of the project, or of a robot account with the right to its webhooks',
  signer: basic,

  list: async (api, project, target): Promise<Made[]> => {
    const found = (await api.pages(policies(project), 'page_size', 100, { headers })) as Policy[];
    return found.flatMap(({ id, targets }) => {
      const url = targets?.find(({ address }) => sendsTo(address, target))?.address;
      return url === undefined || id === undefined ? [] : [{ place: project, id: String(id), url }];
    });
  },

  save: async (api, project, { name }, { url, secret }, existing) => {
    const body = {
      name,
      description: 'Plinth: tells of pushed artifacts.',
      enabled: true,
      event_types: ['PUSH_ARTIFACT'],
      targets: [
        {
          type: 'http',
          address: url,
          auth_header: `Bearer ${secret}`,
          skip_cert_verify: false,
          payload_format: 'Default',
        },
      ],
    };
    if (existing) await api.call('PUT', `${policies(project)}/${existing.id}`, { body, headers });
    else await api.call('POST', policies(project), { body, headers });
  },

  remove: async (api, { place, id }) => {
    await api.call('DELETE', `${policies(place)}/${id}`, { headers, absent: [404] });
  },
};
