import { z } from 'zod';
import { parseReference, type Reference } from '#libs/oci';
import { HookFormatError, jsonOf, shaped, text, type HookDialect } from './dialect.js';

/**
 * Google Artifact Registry and Container Registry: the Pub/Sub topic `gcr`, pushed
 * (cloud.google.com/artifact-registry/docs/configure-notifications, cloud.google.com/pubsub/docs/push). The proof is a
 * token of the service account of the subscription. One topic tells of every host of a project.
 */
const envelope = z.object({
  message: z.object({ data: z.base64(), messageId: text.optional() }),
});
const change = z.object({ action: text, tag: text.optional(), digest: text.optional() });

const referenceOf = (name: string): Reference => {
  try {
    return parseReference(name);
  } catch {
    throw new HookFormatError('The message is no notification of Google: `tag` is no image with a tag.');
  }
};

export const google: HookDialect = {
  proofs: [{ by: 'oidc' }],
  parse: ({ body }) => {
    const { message } = shaped(envelope, jsonOf(body), 'Google Pub/Sub');
    const { action, tag: name, digest } = shaped(change, jsonOf(Buffer.from(message.data, 'base64')), 'Google');
    if (action !== 'INSERT' || !name) return [];
    const { registry, repository, tag } = referenceOf(name);
    if (tag === undefined) return [];
    return [{ host: registry, repository, tag, digest: digest?.split('@')[1], id: message.messageId }];
  },
};
