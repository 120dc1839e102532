import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { RegistryClient } from '../client.js';
import { mediaTypes } from '../media-types.js';
import type { Repository } from '../operations.js';
import { type Digest, digestOf } from '../reference.js';

/** Some content with its name. */
export interface Content {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly mediaType: string;
}

/** A small image: what a registry or layout would store of it. */
export interface TestImage {
  readonly manifest: Content;
  readonly config: Content;
  readonly layer: Content;
}

export interface TestIndex {
  readonly index: Content;
  readonly images: readonly TestImage[];
  readonly attestation: TestImage;
}

export function content(value: unknown, mediaType: string): Content {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  return { bytes, digest: digestOf(bytes), mediaType };
}

export function descriptorOf({ bytes, digest, mediaType }: Content) {
  return { mediaType, digest, size: bytes.length };
}

/** An image for a Linux architecture; `text` makes its layer, so that two texts are two images. */
export function makeImage(architecture: string, text: string): TestImage {
  const plain = Buffer.from(text);
  const layer = content(gzipSync(plain), 'application/vnd.oci.image.layer.v1.tar+gzip');
  const rootfs = { type: 'layers', diff_ids: [digestOf(plain)] };
  const config = content({ architecture, os: 'linux', config: { Env: ['A=b'] }, rootfs }, mediaTypes.ociConfig);
  const manifest = content(
    {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptorOf(config),
      layers: [descriptorOf(layer)],
    },
    mediaTypes.ociManifest,
  );
  return { manifest, config, layer };
}

/** An index as BuildKit writes it: one image per architecture, and an attestation for the first. */
export function makeIndex(architectures: readonly string[], text: string): TestIndex {
  const images = architectures.map((architecture) => makeImage(architecture, `${text} ${architecture}`));
  const attestation = makeImage('unknown', `provenance of ${text}`);
  const manifests = [
    ...images.map(({ manifest }, at) => ({
      ...descriptorOf(manifest),
      platform: { os: 'linux', architecture: architectures[at] },
    })),
    {
      ...descriptorOf(attestation.manifest),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': images[0]?.manifest.digest,
      },
    },
  ];
  const index = content({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }, mediaTypes.ociIndex);
  return { index, images, attestation };
}

/** Pushes an image's blobs and manifest by digest. */
export async function pushImage(client: RegistryClient, target: Repository, image: TestImage): Promise<void> {
  for (const blob of [image.config, image.layer]) await client.uploadBlob(target, descriptorOf(blob), () => blob.bytes);
  const { digest, mediaType, bytes } = image.manifest;
  await client.putManifest({ ...bare(target), digest }, mediaType, bytes);
}

/** Pushes an index with its children and names it by a tag. */
export async function pushIndex(
  client: RegistryClient,
  target: Repository,
  tag: string,
  { index, images, attestation }: TestIndex,
): Promise<void> {
  for (const image of [...images, attestation]) await pushImage(client, target, image);
  await client.putManifest({ ...bare(target), tag }, index.mediaType, index.bytes);
}

/** Writes an index as an OCI image layout. */
export async function writeLayout(directory: string, { index, images, attestation }: TestIndex): Promise<void> {
  const blobs = join(directory, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const contents = [
    index,
    ...[...images, attestation].flatMap(({ manifest, config, layer }) => [manifest, config, layer]),
  ];
  for (const { digest, bytes } of contents) await writeFile(join(blobs, digest.slice('sha256:'.length)), bytes);
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(
    join(directory, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [descriptorOf(index)] }),
  );
}

function bare({ registry, repository }: Repository): Repository {
  return { registry, repository };
}
