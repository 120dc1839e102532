import { z } from 'zod';
import { sameSecret } from './constant-time.js';
import { HookFormatError, jsonOf, type HookDialect } from './dialect.js';

/**
 * CNCF Distribution and GitLab's registry (distribution docs/content/about/notifications.md). Layers fire as well as
 * manifests; a push by digest has no tag. The sender can put any header: its `Authorization` is the secret.
 */
const envelope = z.object({
  events: z
    .array(
      z.object({
        action: z.string(),
        target: z.object({
          repository: z.string().max(512).optional(),
          tag: z.string().max(128).optional(),
          digest: z.string().max(256).optional(),
          mediaType: z.string().optional(),
        }),
      }),
    )
    .max(10_000),
});

export const distribution: HookDialect = {
  name: 'distribution',
  authenticates: ({ headers }, secret) => sameSecret(headers['authorization'] ?? '', secret),
  parse: ({ body }) => {
    const parsed = envelope.safeParse(jsonOf(body));
    if (!parsed.success)
      throw new HookFormatError('The body is no envelope of Distribution: `events` is missing or ill-formed.');
    return parsed.data.events.flatMap(({ action, target: { repository, tag, digest } }) =>
      action === 'push' && repository && tag ? [{ repository, tag, digest }] : [],
    );
  },
};
