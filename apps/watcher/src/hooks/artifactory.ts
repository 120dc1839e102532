import { z } from 'zod';
import { jsonOf, shaped, text, type HookDialect } from './dialect.js';

/**
 * JFrog Artifactory, domain docker (jfrog.com/help, "Event types", Docker domain). It names the local repository; images may be
 * pulled with its name as the first part of the path, or from a host of the repository's own: both are hints. A virtual
 * repository in between needs a rewrite.
 */
const event = z.object({
  domain: text,
  event_type: text,
  data: z.object({
    repo_key: text.optional(),
    image_name: text.optional(),
    tag: text.optional(),
    sha256: text.optional(),
  }),
});

const header = 'x-jfrog-event-auth';

export const artifactory: HookDialect = {
  proofs: [
    { by: 'header', name: header },
    { by: 'hmac', header, algorithm: 'sha256' },
  ],
  parse: ({ body }) => {
    const { domain, event_type, data } = shaped(event, jsonOf(body), 'Artifactory');
    const { repo_key: key, image_name: image, tag, sha256 } = data;
    if (domain !== 'docker' || event_type !== 'pushed' || !key || !image || !tag) return [];
    const digest = sha256 === undefined ? undefined : `sha256:${sha256}`;
    return [`${key}/${image}`, image].map((repository) => ({ repository, tag, digest }));
  },
};
