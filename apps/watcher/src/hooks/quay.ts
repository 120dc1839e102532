import { z } from 'zod';
import { jsonOf, mostEvents, shaped, text, type HookDialect } from './dialect.js';

/**
 * Quay's notification "Push to Repository" (docs.quay.io/guides/notifications.html; quay notifications/notificationevent.py).
 * It knows no secret and says no digest. Old versions name the tags as the fields of an object.
 */
const push = z.object({
  repository: text,
  updated_tags: z.union([z.array(text).max(mostEvents), z.record(text, z.unknown())]),
});

export const quay: HookDialect = {
  proofs: [{ by: 'path' }],
  parse: ({ body }) => {
    const { repository, updated_tags } = shaped(push, jsonOf(body), 'Quay');
    const tags = Array.isArray(updated_tags) ? updated_tags : Object.keys(updated_tags);
    return tags.map((tag) => ({ repository, tag }));
  },
};
