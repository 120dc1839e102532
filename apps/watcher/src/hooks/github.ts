import { z } from 'zod';
import { jsonOf, shaped, text, type HookDialect } from './dialect.js';
import { hubSignature } from './proof.js';

/**
 * GitHub's container registry: the events `package` and `registry_package` of a repository or organisation
 * (docs.github.com/webhooks/webhook-events-and-payloads). Other kinds of packages send them too.
 */
const thing = z.object({
  name: text,
  namespace: text.nullish(),
  owner: z.object({ login: text }).nullish(),
  package_type: text.nullish(),
  ecosystem: text.nullish(),
  package_version: z
    .object({
      container_metadata: z
        .object({ tag: z.object({ name: text.nullish(), digest: text.nullish() }).nullish() })
        .nullish(),
    })
    .nullish(),
});
const schemas = {
  package: z.object({ action: text, package: thing }),
  registry_package: z.object({ action: text, registry_package: thing }),
};
const pushes: ReadonlySet<string> = new Set(['published', 'updated']);

export const github: HookDialect = {
  proofs: [hubSignature],
  parse: ({ headers, body }) => {
    const json = jsonOf(body);
    const kind = headers['x-github-event'];
    if (kind !== 'package' && kind !== 'registry_package') return [];
    const event =
      kind === 'package' ? shaped(schemas.package, json, 'GitHub') : shaped(schemas.registry_package, json, 'GitHub');
    const of = 'package' in event ? event.package : event.registry_package;
    const owner = of.namespace || of.owner?.login;
    const isContainer = [of.package_type, of.ecosystem].some((type) => type?.toUpperCase() === 'CONTAINER');
    const tag = of.package_version?.container_metadata?.tag;
    if (!pushes.has(event.action) || !isContainer || !owner || !tag?.name) return [];
    const repository = `${owner}/${of.name}`.toLowerCase();
    return [{ repository, tag: tag.name, digest: tag.digest ?? undefined, id: headers['x-github-delivery'] }];
  },
};
