import { z } from 'zod';
import { jsonOf, shaped, text, type Hint, type HookDialect } from './dialect.js';
import { authorization } from './proof.js';

/**
 * What Azure Container Registry says of a push (learn.microsoft.com/azure/container-registry/container-registry-webhook-reference),
 * by a webhook of its own or within an event of Event Grid.
 */
const acrEvent = z.object({
  id: text.optional(),
  action: text,
  target: z.object({ repository: text.optional(), tag: text.optional(), digest: text.optional() }).optional(),
});

/** @throws HookFormatError */
export const acrHints = (value: unknown): Hint[] => {
  const { id, action, target } = shaped(acrEvent, value, 'Azure Container Registry');
  if (action !== 'push' || !target?.repository || !target.tag) return [];
  return [{ repository: target.repository, tag: target.tag, digest: target.digest, id }];
};

export const acr: HookDialect = {
  proofs: [authorization],
  parse: ({ body }) => acrHints(jsonOf(body)),
};
