import { z } from 'zod';
import { cloudEventOf } from './cloudevents.js';
import { HookFormatError, jsonOf, shaped, text, type HookDialect } from './dialect.js';
import { authorization } from './proof.js';

/**
 * zot, HTTP and NATS sinks of its extension "events" (zot pkg/extensions/events; zotregistry.dev, "Event Support for zot"). The
 * prefix of the type is the operator's choice. A reference may be a digest.
 */
const image = z.object({ name: text, reference: text, digest: text.optional() });

export const zot: HookDialect = {
  proofs: [authorization, { by: 'nats' }],
  parse: ({ headers, body }) => {
    const event = cloudEventOf(headers, jsonOf(body));
    if (!event) throw new HookFormatError('The body is no notification of zot: it is no CloudEvent.');
    if (!event.type.endsWith('.image.updated')) return [];
    const { name, reference, digest } = shaped(image, event.data, 'zot');
    return [{ repository: name, tag: reference, digest, id: event.id }];
  },
};
