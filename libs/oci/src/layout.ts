import { createReadStream } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { digestLike } from './blobs.js';
import { type Descriptor, type ImageIndex, parseJson, parseManifest } from './manifest.js';
import { isImageManifestType, isIndexType, mediaTypes } from './media-types.js';
import { MANIFEST_LIMIT } from './operations.js';
import type { Digest } from './reference.js';

/** The directory is not an OCI image layout that can be used; the message says what of it. */
export class InvalidLayoutError extends Error {
  override readonly name = 'InvalidLayoutError';
  readonly code = 'INVALID_LAYOUT';
  constructor(
    readonly directory: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`${directory} is not a usable OCI image layout: ${why}`, options);
  }
}

/** An OCI image layout directory (image-spec, image-layout.md). */
export interface Layout {
  readonly directory: string;
  readonly index: ImageIndex;
  /**
   * The one image or index that the layout is of.
   * @param name picks by `org.opencontainers.image.ref.name` when there are several
   * @throws InvalidLayoutError when there is none, or several and no name
   */
  root(name?: string): Descriptor;
  /** The bytes of a manifest or config, verified. @throws InvalidLayoutError */
  read(digest: Digest, limit?: number): Promise<Uint8Array>;
  /** A blob as a stream, not verified: the registry does that. */
  stream(digest: Digest): Readable;
  /** Bytes of a blob on disk. @throws InvalidLayoutError when it is missing or no regular file */
  size(digest: Digest): Promise<number>;
}

const REF_NAME = 'org.opencontainers.image.ref.name';

/** Opens a layout, reading its index. @throws InvalidLayoutError */
export async function readLayout(directory: string): Promise<Layout> {
  const marker = await readJsonFile(directory, 'oci-layout');
  const version = (marker as { imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
  if (version !== '1.0.0')
    throw new InvalidLayoutError(directory, `its version is ${JSON.stringify(version)}, not 1.0.0`);
  const bytes = await readSmallFile(directory, 'index.json', MANIFEST_LIMIT);
  const index = attempt(directory, 'index.json', () => parseManifest(bytes, mediaTypes.ociIndex));
  if (index.kind !== 'index') throw new InvalidLayoutError(directory, 'index.json is no index');
  const path = (digest: Digest) => join('blobs', ...digest.split(':'));
  return {
    directory,
    index,
    root: (name) => rootOf(directory, index, name),
    async read(digest, limit = MANIFEST_LIMIT) {
      const content = await readSmallFile(directory, path(digest), limit);
      const actual = digestLike(content, digest);
      if (actual !== digest) throw new InvalidLayoutError(directory, `the blob ${digest} has the digest ${actual}`);
      return content;
    },
    stream: (digest) => createReadStream(join(directory, path(digest))),
    size: (digest) => fileSize(directory, path(digest)),
  };
}

function rootOf(directory: string, index: ImageIndex, name: string | undefined): Descriptor {
  const images = index.manifests.filter(({ mediaType }) => isIndexType(mediaType) || isImageManifestType(mediaType));
  const named = name === undefined ? images : images.filter(({ annotations }) => annotations?.[REF_NAME] === name);
  const distinct = [...new Map(named.map((image) => [image.digest, image])).values()];
  const [root] = distinct;
  if (root && distinct.length === 1) return root;
  const names = images.map(({ annotations, digest }) => annotations?.[REF_NAME] ?? digest).join(', ') || 'nothing';
  const wanted = name === undefined ? 'one image' : `one image named ${JSON.stringify(name)}`;
  throw new InvalidLayoutError(directory, `expected ${wanted}, found ${distinct.length}; it holds ${names}`);
}

async function readJsonFile(directory: string, name: string): Promise<unknown> {
  const bytes = await readSmallFile(directory, name, MANIFEST_LIMIT);
  return attempt(directory, name, () => parseJson(bytes, name));
}

async function readSmallFile(directory: string, name: string, limit: number): Promise<Buffer> {
  const size = await fileSize(directory, name);
  if (size > limit) throw new InvalidLayoutError(directory, `${name} is longer than ${limit} bytes`);
  return readFile(join(directory, name));
}

/** Builds write layouts, and builds are not trusted: a link could name any file of this machine. */
async function fileSize(directory: string, name: string): Promise<number> {
  try {
    const stats = await lstat(join(directory, name));
    if (stats.isFile()) return stats.size;
  } catch (error) {
    throw new InvalidLayoutError(directory, `${name} is missing`, { cause: error });
  }
  throw new InvalidLayoutError(directory, `${name} is not a regular file`);
}

function attempt<T>(directory: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidLayoutError(directory, `${what}: ${(error as Error).message}`, { cause: error });
  }
}
