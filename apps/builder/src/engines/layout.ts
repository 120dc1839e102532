/** Reading and finishing the OCI image layout that an engine wrote. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '#libs/oci';
import type { BuiltImage, BuiltPlatform } from './engine.js';
import { EngineError } from './engine.js';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  platform?: { os: string; architecture: string; variant?: string };
}
interface Manifest {
  mediaType?: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}
interface Index {
  mediaType?: string;
  manifests: Descriptor[];
}
interface Config {
  os: string;
  architecture: string;
  variant?: string;
  history?: { created_by?: string; comment?: string }[];
}

export interface Finish {
  readonly annotations: Readonly<Record<string, string>>;
  readonly redact: (text: string) => string;
  /** The layout names one manifest per platform, which are to become one index. */
  readonly index?: boolean;
}

const indexTypes = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
/** Engines write what they know of the base, which may be a local digest: the builder's own words replace them. */
const baseAnnotations = ['org.opencontainers.image.base.name', 'org.opencontainers.image.base.digest'];

/**
 * Gives each manifest the annotations, takes secret values out of the image history, where both BuildKit and Buildah
 * write every build argument, and answers what the layout holds. Throws EngineError when it is not a layout of one image.
 */
export async function finishLayout(layoutDir: string, finish: Finish): Promise<BuiltImage> {
  const indexFile = join(layoutDir, 'index.json');
  const top = await readJson<Index>(indexFile);
  const [root, ...others] = finish.index === true ? [await writeIndex(layoutDir, top.manifests)] : top.manifests;
  if (root === undefined || others.length > 0) {
    throw new EngineError('ENGINE_FAILED', `${indexFile} names ${top.manifests.length} images; a build makes one.`);
  }
  const platforms: BuiltPlatform[] = [];
  const finished = indexTypes.has(root.mediaType)
    ? await finishIndex(layoutDir, root, finish, platforms)
    : await finishManifest(layoutDir, root, finish, platforms);
  const { annotations: _, ...descriptor } = finished;
  await writeFile(indexFile, JSON.stringify({ ...top, manifests: [descriptor] }));
  await rm(join(layoutDir, 'ingest'), { recursive: true, force: true });
  return {
    kind: 'built',
    layoutDir,
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    size: descriptor.size,
    platforms,
  };
}

async function writeIndex(dir: string, manifests: readonly Descriptor[]): Promise<Descriptor> {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const described: Descriptor[] = [];
  for (const { mediaType: type, digest, size } of manifests) {
    const { config } = await readJson<Manifest>(blobPath(dir, digest));
    const { os, architecture, variant } = await readJson<Config>(blobPath(dir, config.digest));
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    described.push({ mediaType: type, digest, size, platform });
  }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: described }));
  const digest = digestOf(bytes);
  await writeFile(blobPath(dir, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

async function finishIndex(dir: string, descriptor: Descriptor, finish: Finish, platforms: BuiltPlatform[]) {
  const index = await readJson<Index>(blobPath(dir, descriptor.digest));
  const manifests: Descriptor[] = [];
  for (const child of index.manifests) manifests.push(await finishManifest(dir, child, finish, platforms));
  return replaceBlob(dir, descriptor, { ...index, manifests });
}

async function finishManifest(dir: string, descriptor: Descriptor, finish: Finish, platforms: BuiltPlatform[]) {
  const manifest = await readJson<Manifest>(blobPath(dir, descriptor.digest));
  const config = await readJson<Config>(blobPath(dir, manifest.config.digest));
  const history = config.history?.map((entry) => ({
    ...entry,
    ...(entry.created_by === undefined ? {} : { created_by: finish.redact(entry.created_by) }),
    ...(entry.comment === undefined ? {} : { comment: finish.redact(entry.comment) }),
  }));
  const redacted = JSON.stringify(history) !== JSON.stringify(config.history);
  const newConfig = redacted ? await replaceBlob(dir, manifest.config, { ...config, history }) : manifest.config;
  const own = Object.entries(manifest.annotations ?? {}).filter(([name]) => !baseAnnotations.includes(name));
  const annotations = { ...Object.fromEntries(own), ...finish.annotations };
  const { annotations: _, ...rest } = manifest;
  const changed = {
    ...rest,
    config: newConfig,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  const result = await replaceBlob(dir, descriptor, changed);
  const platform = [config.os, config.architecture, ...(config.variant === undefined ? [] : [config.variant])].join(
    '/',
  );
  platforms.push({ platform, digest: result.digest });
  return result;
}

/** Writes changed JSON as a new blob in place of the old one; an unchanged one keeps its bytes, and so its digest. */
async function replaceBlob(dir: string, old: Descriptor, value: object): Promise<Descriptor> {
  const before = await readJson<object>(blobPath(dir, old.digest));
  if (JSON.stringify(before) === JSON.stringify(value)) return old;
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = digestOf(bytes);
  await writeFile(blobPath(dir, digest), bytes);
  // The old blob would carry the secret along.
  if (digest !== old.digest) await rm(blobPath(dir, old.digest), { force: true });
  return { ...old, digest, size: bytes.length };
}

/** Path of a blob in an OCI image layout. */
export function blobPath(layoutDir: string, digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(layoutDir, 'blobs', algorithm, hex);
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}
