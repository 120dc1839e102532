import { readFileSync } from 'node:fs';
import type { Snapshot } from '#libs/contracts';
import { digestOf, parseReference, RegistryError, repositoryName, type ImageConfig } from '#libs/oci';
import type { ArtifactBlob, ImageRegistry, ManifestBytes } from '../ports.js';

interface StoredImage extends ManifestBytes {
  readonly snapshot: Snapshot;
}

/** Registries in memory: tags, manifests by digest, and what was asked of them in order. */
export class MemoryRegistry implements ImageRegistry {
  readonly tags = new Map<string, string>();
  /** `put` and `push` in order, as `put <reference> <digest>` and `push <repository> <digest>`. */
  readonly writes: string[] = [];
  /** What was attached, in order. */
  readonly attached: { repository: string; manifest: ManifestBytes; blobs: readonly ArtifactBlob[] }[] = [];
  /** Called before a write; may throw in the registry's name, or wait. */
  beforeWrite: (write: string) => void | Promise<void> = () => undefined;
  /** Called before a read. */
  beforeRead: (reference: string) => void = () => undefined;
  readonly #manifests = new Map<string, StoredImage>();
  readonly #triggers = new Map<string, readonly string[]>();

  /** Makes an image be there under a tag; its digest is that of its name and `content`. */
  image(
    reference: string,
    content: string,
    platforms: readonly string[] = ['linux/amd64'],
    onBuild: readonly string[] = [],
  ): Snapshot {
    const children = Object.fromEntries(
      platforms.map((platform) => [platform, digestOf(Buffer.from(`${content} ${platform}`)) as string]),
    );
    const bytes = Buffer.from(JSON.stringify({ content, children }));
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const snapshot = { digest: digestOf(bytes) as string, mediaType, platforms: children };
    const repository = repositoryName(parseReference(reference));
    this.#manifests.set(`${repository}@${snapshot.digest}`, { ...snapshot, bytes, snapshot });
    for (const child of Object.values(children)) this.#triggers.set(`${repository}@${child}`, onBuild);
    this.tags.set(reference, snapshot.digest);
    return snapshot;
  }

  forget(reference: string): void {
    this.#manifests.delete(reference);
    this.tags.delete(reference);
  }

  #find(reference: string): StoredImage | undefined {
    this.beforeRead(reference);
    if (reference.includes('@')) return this.#manifests.get(reference);
    const digest = this.tags.get(reference);
    return digest === undefined
      ? undefined
      : this.#manifests.get(`${repositoryName(parseReference(reference))}@${digest}`);
  }

  async head(reference: string): Promise<{ digest: string; mediaType: string } | undefined> {
    return this.#find(reference);
  }

  async resolve(reference: string): Promise<Snapshot | undefined> {
    return this.#find(reference)?.snapshot;
  }

  async manifest(reference: string): Promise<ManifestBytes> {
    const found = this.#find(reference);
    if (!found) throw notFound(reference);
    return found;
  }

  async config(reference: string): Promise<ImageConfig> {
    this.beforeRead(reference);
    const triggers = this.#triggers.get(reference);
    if (!triggers) throw notFound(reference);
    return {
      architecture: 'amd64',
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
      config: { OnBuild: [...triggers] },
      rootfs: { type: 'layers', diff_ids: [] },
    };
  }

  async put(reference: string, manifest: ManifestBytes): Promise<void> {
    const write = `put ${reference} ${manifest.digest}`;
    await this.beforeWrite(write);
    this.writes.push(write);
    this.tags.set(reference, manifest.digest);
  }

  async push(repository: string, image: Parameters<ImageRegistry['push']>[1]): Promise<void> {
    const write = `push ${repository} ${image.digest}`;
    await this.beforeWrite(write);
    this.writes.push(write);
    const { digest, mediaType, platforms } = image;
    for (const manifest of image.manifests) {
      const snapshot = manifest.digest === digest ? { digest, mediaType, platforms } : { ...manifest, platforms: {} };
      this.#manifests.set(`${repository}@${manifest.digest}`, { ...manifest, snapshot });
    }
    for (const blob of image.blobs) readFileSync(image.file(blob.digest));
  }

  async attach(repository: string, manifest: ManifestBytes, blobs: readonly ArtifactBlob[]): Promise<void> {
    const write = `attach ${repository} ${manifest.digest}`;
    await this.beforeWrite(write);
    this.attached.push({ repository, manifest, blobs });
  }
}

const notFound = (reference: string): RegistryError =>
  new RegistryError('NOT_FOUND', `${reference} is not there`, {
    registry: parseReference(reference).registry,
    reference,
  });
