import { RegistryError } from './errors.js';
import { InvalidManifestError } from './manifest.js';
import { formatReference, repositoryName, type Reference } from './reference.js';
import type { Transport } from './transport.js';

/** A repository: a reference without tag or digest. Any {@link Reference} will do. */
export type Repository = Pick<Reference, 'registry' | 'repository'>;

/** What every operation takes. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /**
   * Retries after the first try of each request of this call; else as many as the client makes. An upload is begun again
   * by a rule of its own.
   */
  readonly retries?: number;
}

/** What operations share. */
export interface Operations {
  readonly transport: Transport;
}

export const MANIFEST_LIMIT = 4 * 1024 * 1024;

export function pullScope({ repository }: Repository): string {
  return `repository:${repository}:pull`;
}

export function pushScope({ repository }: Repository): string {
  return `repository:${repository}:pull,push`;
}

export function deleteScope({ repository }: Repository): string {
  return `repository:${repository}:delete`;
}

/** The fields of a call that say whom it concerns. */
export function about(
  ref: Repository | Reference,
  doing: string,
): { registry: string; reference: string; doing: string } {
  const named = 'tag' in ref || 'digest' in ref;
  return { registry: ref.registry, reference: named ? formatReference(ref) : repositoryName(ref), doing };
}

/** As {@link about}, for what concerns the repository and not the tag that the reference happens to have. */
export function aboutRepository(
  { registry, repository }: Repository,
  doing: string,
): { registry: string; reference: string; doing: string } {
  return about({ registry, repository }, doing);
}

/** Runs a parser over what a registry sent; its complaint becomes a {@link RegistryError} about that registry. */
export function parsed<T>(ref: Repository | Reference, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof InvalidManifestError)) throw cause;
    const { registry, reference } = about(ref, '');
    const code = cause.code === 'UNSUPPORTED_MANIFEST' ? 'UNSUPPORTED_MANIFEST' : 'INVALID_RESPONSE';
    throw new RegistryError(code, `${reference}: ${cause.message}`, { registry, reference, cause });
  }
}
