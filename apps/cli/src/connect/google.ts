import { bearer, each, sendsTo, type Connector, type Made, type Target } from './connector.js';

/**
 * Google Artifact Registry: a push subscription to the Pub/Sub topic `gcr` of a project
 * (cloud.google.com/artifact-registry/docs/configure-notifications; cloud.google.com/pubsub/docs/reference/rest). The
 * topic is made where there is none: that switches the notifications on. It is never removed, others may use it.
 */
const topic = (project: string): string => `projects/${project}/topics/gcr`;
const subscription = (project: string, { name }: Target): string => `projects/${project}/subscriptions/${name}`;

export const google: Connector = {
  proof: 'token',
  api: () => 'https://pubsub.googleapis.com',
  places: each('a project', /^[a-z][a-z0-9:.-]+$/),
  login: 'access token (gcloud auth print-access-token) of who may edit Pub/Sub',
  signer: (token) => bearer(token),
  identity: 'the service account that signs: NAME@PROJECT.iam.gserviceaccount.com',

  list: async (api, place, target): Promise<Made[]> => {
    const id = subscription(place, target);
    const found = await api.call('GET', `/v1/${id}`, { absent: [404] });
    const url = (found as { pushConfig?: { pushEndpoint?: string } } | undefined)?.pushConfig?.pushEndpoint;
    return sendsTo(url, target) ? [{ place, id, url }] : [];
  },

  save: async (api, place, target, { url }, existing) => {
    const pushConfig = {
      pushEndpoint: url,
      oidcToken: { serviceAccountEmail: target.identity, audience: target.address },
    };
    if (existing) {
      await api.call('POST', `/v1/${existing.id}:modifyPushConfig`, { body: { pushConfig } });
      return;
    }
    const there = await api.call('GET', `/v1/${topic(place)}`, { absent: [404] });
    if (there === undefined) await api.call('PUT', `/v1/${topic(place)}`, { body: {} });
    await api.call('PUT', `/v1/${subscription(place, target)}`, { body: { topic: topic(place), pushConfig } });
  },

  remove: async (api, { id }) => {
    await api.call('DELETE', `/v1/${id}`, { absent: [404] });
  },
};
