import { each, segment, sendsTo, type Connector, type Made } from './connector.js';
import type { Call, RegistryApi } from './api.js';

/** What differs between hosts of code with webhooks as GitHub made them. */
interface Brand {
  readonly api: Connector['api'];
  readonly login: string;
  readonly signer: Connector['signer'];
  /** What comes before `/repos/…` and `/orgs/…`. */
  readonly prefix: string;
  /** Parameter with the size of a page, and the largest. */
  readonly page: readonly [string, number];
  readonly headers?: Readonly<Record<string, string>>;
  /** What says of which kind the webhook is. */
  readonly kind: Readonly<Record<string, string>>;
  readonly events: readonly string[];
  /** Path below the webhook that has it send something. */
  readonly test: string;
  /** Whether webhooks of organisations can be tested too. */
  readonly testsOrganisations: boolean;
}

interface Hook {
  readonly id?: number;
  readonly config?: { readonly url?: string };
}

const isRepository = (place: string): boolean => place.includes('/');

/** Webhooks of a repository (`owner/name`) or of an organisation (`owner`). */
export const hooksOf = (brand: Brand): Connector => {
  const { headers, prefix } = brand;
  const path = (place: string): string => `${prefix}/${isRepository(place) ? 'repos' : 'orgs'}/${segment(place)}/hooks`;
  const call = (api: RegistryApi, method: string, to: string, more: Call = {}): Promise<unknown> =>
    api.call(method, to, { ...more, ...(headers && { headers }) });
  return {
    proof: 'secret',
    api: brand.api,
    places: each('an organisation, or a repository OWNER/NAME', /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)?$/),
    login: brand.login,
    signer: brand.signer,

    list: async (api, place, target): Promise<Made[]> => {
      const found = (await api.pages(path(place), ...brand.page, headers ? { headers } : {})) as Hook[];
      return found.flatMap(({ id, config }) =>
        id !== undefined && sendsTo(config?.url, target) ? [{ place, id: String(id), url: config.url }] : [],
      );
    },

    save: async (api, place, _target, { url, secret }, existing) => {
      const settings = { active: true, events: brand.events, config: { url, content_type: 'json', secret } };
      if (existing) await call(api, 'PATCH', `${path(place)}/${existing.id}`, { body: settings });
      else await call(api, 'POST', path(place), { body: { ...brand.kind, ...settings } });
    },

    remove: async (api, { place, id }) => {
      await call(api, 'DELETE', `${path(place)}/${id}`, { absent: [404] });
    },

    test: async (api, { place, id }) => {
      if (!brand.testsOrganisations && !isRepository(place)) return;
      await call(api, 'POST', `${path(place)}/${id}/${brand.test}`);
    },
  };
};
