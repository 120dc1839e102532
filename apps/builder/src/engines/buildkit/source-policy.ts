import { parseReference } from '#libs/oci';
import { addressesOf } from '../addresses.js';
import type { EngineRegistry, Pin } from '../engine.js';

interface Rule {
  action: 'DENY' | 'CONVERT' | 'ALLOW';
  selector: { identifier: string; matchType?: 'WILDCARD' | 'EXACT' };
  updates?: { identifier: string };
}

const image = (name: string) => `docker-image://${name}`;

/**
 * A BuildKit source policy which turns each pinned reference into its digest, wherever the Dockerfile names it (FROM,
 * COPY --from, RUN --mount from, # syntax), and refuses every other image.
 *
 * Why not named contexts (`--build-context NAME=docker-image://…@sha256…`), which pin as well: with them
 * `rewrite-timestamp` also rewrites the base's layers (BuildKit of Docker 26.1). Their digests change, so that neither
 * a registry nor a rebase recognises the base any more. With a policy the base's layers stay as they are.
 */
export function sourcePolicy(pins: readonly Pin[], registries: readonly EngineRegistry[]): { rules: Rule[] } {
  const addressFor = addressesOf(registries);
  const rules: Rule[] = [{ action: 'DENY', selector: { identifier: image('*'), matchType: 'WILDCARD' } }];
  for (const { reference, digest } of pins) {
    const { registry, repository, tag, digest: written } = parseReference(reference);
    const repositoryName = `${registry}/${repository}`;
    const byTag = tag === undefined ? repositoryName : `${repositoryName}:${tag}`;
    // BuildKit knows no other address for a registry than its name: the reference is led to where the registry is.
    const pinned = `${addressFor(registry)}${byTag.slice(registry.length)}@${digest}`;
    const asWritten = written === undefined ? byTag : `${byTag}@${written}`;
    if (asWritten !== pinned) {
      rules.push({
        action: 'CONVERT',
        selector: { identifier: image(asWritten), matchType: 'EXACT' },
        updates: { identifier: image(pinned) },
      });
    }
    rules.push({ action: 'ALLOW', selector: { identifier: image(pinned), matchType: 'EXACT' } });
  }
  return { rules };
}
