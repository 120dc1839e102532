import type { Notifications } from '#libs/contracts';
import { canonicalReference, InvalidReferenceError, isTag } from '#libs/oci';
import type { Hint } from './dialect.js';

/**
 * The reference that a hint is about, on the registry that sent it; undefined when it is of another host, or nothing that
 * an image could stand on, such as a push by digest alone.
 */
export const referenceOf = (
  { host, repository, tag }: Hint,
  registry: string,
  rewrites: Notifications['rewrites'] = [],
): string | undefined => {
  if (!isTag(tag)) return undefined;
  const named = host === undefined ? repository : `${host}/${repository}`;
  const rewrite = rewrites.find(({ from }) => named.startsWith(from));
  if (!rewrite && host !== undefined && host !== registry) return undefined;
  const local = rewrite ? `${rewrite.to}${named.slice(rewrite.from.length)}` : repository;
  try {
    return canonicalReference(`${registry}/${local}:${tag}`);
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    return undefined;
  }
};
