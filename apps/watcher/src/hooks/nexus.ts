import { z } from 'zod';
import { jsonOf, shaped, text, type HookDialect } from './dialect.js';

/**
 * Sonatype Nexus Repository, webhook of a repository, events of components
 * (help.sonatype.com/en/example-headers-and-payloads.html). A repository is pulled from a port of its own, or with its
 * name as the first part of the path: both are hints.
 */
const event = z.object({
  action: text,
  repositoryName: text,
  component: z.object({ format: text, name: text, version: text.nullish() }),
});
const pushes: ReadonlySet<string> = new Set(['CREATED', 'UPDATED']);

export const nexus: HookDialect = {
  proofs: [{ by: 'hmac', header: 'x-nexus-webhook-signature', algorithm: 'sha1' }],
  parse: ({ headers, body }) => {
    const json = jsonOf(body);
    if (headers['x-nexus-webhook-id'] !== 'rm:repository:component') return [];
    const { action, repositoryName, component } = shaped(event, json, 'Nexus');
    const { format, name, version: tag } = component;
    if (!pushes.has(action) || format !== 'docker' || !tag) return [];
    const id = headers['x-nexus-webhook-delivery'];
    return [name, `${repositoryName}/${name}`].map((repository) => ({ repository, tag, id }));
  },
};
