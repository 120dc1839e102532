import { z } from 'zod';
import { jsonOf, mostEvents, shaped, text, type HookDialect } from './dialect.js';
import { authorization } from './proof.js';

/**
 * CNCF Distribution (distribution docs/content/about/notifications.md). Layers fire as well as manifests; a push by
 * digest has no tag. The sender can put any header.
 */
const envelope = z.object({
  events: z
    .array(
      z.object({
        id: text.optional(),
        action: text,
        target: z.object({
          repository: text.optional(),
          tag: z.string().max(128).optional(),
          digest: text.optional(),
        }),
      }),
    )
    .max(mostEvents),
});

export const distribution: HookDialect = {
  proofs: [authorization],
  parse: ({ body }) =>
    shaped(envelope, jsonOf(body), 'Distribution').events.flatMap(
      ({ id, action, target: { repository, tag, digest } }) =>
        action === 'push' && repository && tag ? [{ repository, tag, digest, id }] : [],
    ),
};
