import type { Readable } from 'node:stream';
import { openContext, parseContextPath, type ArtifactRegistry } from '#libs/context';
import type { AddressPolicy } from '#libs/oci';
import type { Contexts } from './ports.js';

/** The store of uploaded contexts, as far as builds read it. */
export interface UploadedContexts {
  /** @throws with code NOT_FOUND when there is none */
  get(digest: string): Promise<Readable>;
}

/**
 * Opens contexts wherever they are: uploaded, in git or on a web server at an address that the policy permits, or in a
 * registry.
 */
export const contextsFrom = (
  uploaded: UploadedContexts,
  {
    registry,
    addressPolicy,
  }: { readonly registry?: () => ArtifactRegistry; readonly addressPolicy?: AddressPolicy | undefined } = {},
): Contexts => ({
  open: ({ contextPath, revision, accessToken, into, signal }) =>
    openContext(parseContextPath(contextPath), {
      revision,
      workDir: into,
      signal,
      archive: (digest) => uploaded.get(digest),
      ...(registry && { registry: registry() }),
      ...(addressPolicy && { addressPolicy }),
      ...(accessToken !== undefined && { accessToken }),
    }),
});
