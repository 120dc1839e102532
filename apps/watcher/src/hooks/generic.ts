import { z } from 'zod';
import { cloudEventOf, consent } from './cloudevents.js';
import { jsonOf, mostEvents, shaped, text, type HookDialect } from './dialect.js';
import { authorization } from './proof.js';

/**
 * For registries without a dialect and for pipelines that push by themselves: `{"repository", "tag", "digest"?, "id"?}`,
 * a list of them, or the same as the data of a CloudEvent of any type.
 */
const hint = z.object({ repository: text, tag: text, digest: text.optional(), id: text.optional() });
const hints = z.union([z.array(hint).max(mostEvents), hint.transform((one) => [one])]);

export const generic: HookDialect = {
  proofs: [
    authorization,
    { by: 'hmac', header: 'x-signature', algorithm: 'sha256', prefix: 'sha256=' },
    { by: 'oidc' },
  ],
  preflight: consent,
  parse: ({ headers, body }) => {
    const json = jsonOf(body);
    const event = cloudEventOf(headers, json);
    if (!event) return shaped(hints, json, 'the generic dialect');
    return shaped(hints, event.data, 'the generic dialect').map((one) => ({ ...one, id: event.id }));
  },
};
