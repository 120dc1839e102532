import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatReference,
  isRegistryError,
  parseDigest,
  parseReference,
  type RegistryClient,
  type RegistryError,
} from '#libs/oci';
import { extractArchive, type ExtractOptions } from './archive/extract.js';
import { ContextError, isContextError, wordsOf } from './errors.js';
import { bytesInWords, withDefaults } from './limits.js';

/** Reads registries, with the logins that it has for them. */
export type ArtifactRegistry = Pick<RegistryClient, 'getManifest' | 'getBlob'>;

export interface ArtifactOptions extends ExtractOptions {
  readonly registry?: ArtifactRegistry | undefined;
  /** Digest of the manifest that is to be read, whatever the reference names now. */
  readonly revision?: string | null;
}

/**
 * Fetches an OCI artifact whose one layer is an archive, as `flux push artifact` and `oras push … x.tar.gz` make them, and
 * unpacks it below `base` while it comes in.
 * @param reference canonical
 * @returns the directory of the context, and the digest of the manifest
 * @throws ContextError; the signal's reason
 */
export async function unpackArtifact(
  reference: string,
  base: string,
  options: ArtifactOptions,
): Promise<{ dir: string; digest: string }> {
  const { registry, revision, signal } = options;
  if (!registry) throw new ContextError('INVALID', `${reference} is in a registry, and none can be read here.`);
  const named = parseReference(reference);
  const { registry: host, repository } = named;
  const exact = revision ?? undefined;
  const wanted = exact === undefined ? named : { registry: host, repository, digest: parseDigest(exact) };
  try {
    const { digest, manifest } = await registry.getManifest(wanted, { signal });
    if (manifest.kind !== 'image') {
      throw new ContextError('INVALID', `${reference} is an index of several images; a context is one artifact.`);
    }
    const [layer, ...others] = manifest.layers;
    if (!layer || others.length > 0) {
      const why = `${reference} has ${manifest.layers.length} layers, where a context has one: a .tar, .tar.gz or .tar.zst.`;
      throw new ContextError('INVALID', why);
    }
    const { compressedBytes } = withDefaults(options.limits);
    if (layer.size > compressedBytes) {
      throw new ContextError('TOO_LARGE', `The artifact ${reference} is larger than ${bytesInWords(compressedBytes)}.`);
    }
    const { stream } = await registry.getBlob({ registry: host, repository }, layer.digest, { signal });
    const dir = join(base, 'root');
    await mkdir(dir, { mode: 0o700 });
    await extractArchive(stream, dir, options);
    return { dir, digest };
  } catch (error) {
    signal?.throwIfAborted();
    if (isContextError(error)) throw isRegistryError(error.cause) ? ofRegistry(error.cause, reference) : error;
    if (!isRegistryError(error)) throw error;
    if (error.code === 'NOT_FOUND' && exact !== undefined) {
      const why = `${formatReference({ registry: host, repository, digest: parseDigest(exact) })} is not there any more.`;
      throw new ContextError('REVISION_GONE', why, { cause: error });
    }
    throw ofRegistry(error, reference);
  }
}

const ofRegistry = (error: RegistryError, reference: string): ContextError => {
  const because = (code: ConstructorParameters<typeof ContextError>[0], sentence: string): ContextError =>
    new ContextError(code, sentence, { cause: error });
  switch (error.code) {
    case 'NOT_FOUND':
      return because('NOT_FOUND', `There is no artifact ${reference}.`);
    case 'UNAUTHORIZED':
    case 'DENIED':
    case 'FORBIDDEN_ADDRESS':
      return because(
        'ACCESS_DENIED',
        `The artifact ${reference} may not be read (${wordsOf(error)}); register its registry with a login that may.`,
      );
    case 'RATE_LIMITED':
    case 'UNAVAILABLE':
    case 'TIMEOUT':
    case 'INVALID_RESPONSE':
      return because('UNAVAILABLE', `The artifact ${reference} cannot be read now: ${wordsOf(error)}.`);
    case 'TAG_IMMUTABLE':
    case 'REJECTED':
    case 'TOO_LARGE':
    case 'UNSUPPORTED_MANIFEST':
      return because('INVALID', `${reference} is nothing that a context can be read from: ${wordsOf(error)}.`);
  }
};
