import { isDigest, parseReference } from '#libs/oci';
import { z } from 'zod';
import type { Claim } from './claims.js';

const source = z.object({ uri: z.string(), digest: z.record(z.string(), z.string()).nullish() });
const sources = z.array(z.unknown()).max(10_000).nullish();
/** An in-toto statement with SLSA provenance, of version 1 or 0.2. What is not read here is ignored. */
const statement = z.object({
  predicate: z.object({
    materials: sources,
    buildDefinition: z.object({ resolvedDependencies: sources }).nullish(),
  }),
});

/** Whether this is the type of a provenance predicate that {@link imagesOfProvenance} reads. */
export const isProvenance = (predicateType: string | undefined): boolean =>
  predicateType !== undefined && /^https:\/\/slsa\.dev\/provenance\/v(0\.2|1)$/.test(predicateType);

/**
 * The images that a build used, as BuildKit's provenance lists them: stages, sources of copies and the frontend alike. It
 * does not say which one the result stands on. Empty when the statement cannot be read.
 */
export function imagesOfProvenance(bytes: Uint8Array): Claim[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return []; // other tools write other statements; what cannot be read says nothing
  }
  const read = statement.safeParse(json);
  if (!read.success) return [];
  const { materials, buildDefinition } = read.data.predicate;
  return (buildDefinition?.resolvedDependencies ?? materials ?? []).flatMap((one) => {
    const material = source.safeParse(one);
    return material.success ? imageOf(material.data) : [];
  });
}

/** A package URL of type docker, `pkg:docker/ghcr.io/acme/base@1?platform=linux%2Famd64` (package-url/purl-spec). */
function imageOf({ uri, digest }: z.output<typeof source>): Claim[] {
  const purl = /^pkg:docker\/([^?#]+)(?:\?([^#]*))?/.exec(uri);
  if (!purl?.[1]) return [];
  const at = purl[1].lastIndexOf('@');
  const [name, version] = at < 0 ? [purl[1], undefined] : [purl[1].slice(0, at), purl[1].slice(at + 1)];
  try {
    const qualifiers = new URLSearchParams(purl[2] ?? '');
    const tag = version === undefined ? '' : decodeURIComponent(version);
    const pinned = isDigest(tag) || qualifiers.has('digest');
    const suffix = isDigest(tag) ? `@${tag}` : tag === '' ? '' : `:${tag}`;
    const { registry, repository, ...rest } = parseReference(decodeURIComponent(name) + suffix);
    const sha256 = `sha256:${digest?.['sha256'] ?? ''}`;
    const used = isDigest(sha256) ? sha256 : rest.digest;
    const reference =
      rest.tag === undefined ? { registry, repository, digest: used } : { registry, repository, ...rest };
    return [{ source: 'Provenance', reference, digest: used, pinned }];
  } catch {
    return []; // a name that is none, or a broken % escape
  }
}
