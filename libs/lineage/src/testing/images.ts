import { gzipSync } from 'node:zlib';
import {
  type Digest,
  digestOf,
  mediaTypes,
  parsePlatform,
  parseReference,
  type Reference,
  type RegistryClient,
} from '#libs/oci';

export interface ImageRecipe {
  /** Text of each layer, lowest first: equal texts are equal layers. */
  readonly layers: readonly string[];
  readonly platform?: string;
  readonly created?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Instructions that run in builds on it. */
  readonly onBuild?: readonly string[];
  /** How much the layers are compressed; other levels give other digests of the same content. */
  readonly level?: number;
}

export interface IndexRecipe {
  readonly images: readonly (ImageRecipe & { readonly descriptorAnnotations?: Readonly<Record<string, string>> })[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** Provenance statement of the first image, as BuildKit lays it beside. */
  readonly provenance?: object;
}

export interface Pushed {
  readonly digest: Digest;
  /** Of each platform's manifest, in order. */
  readonly manifests: readonly Digest[];
}

export const baseName = 'org.opencontainers.image.base.name';
export const baseDigest = 'org.opencontainers.image.base.digest';
/** What a builder that keeps to the OCI image-spec writes. */
export const standsOn = (name: string, digest?: string): Record<string, string> => ({
  [baseName]: name,
  ...(digest !== undefined && { [baseDigest]: digest }),
});

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

/** Makes images layer by layer and pushes them, as any tool would. */
export class ImageMaker {
  constructor(
    private readonly client: RegistryClient,
    private readonly host: string,
  ) {}

  reference(name: string): Reference {
    return parseReference(`${this.host}/${name}`);
  }

  /** Pushes a single image to `name` (`base:1`). */
  async image(name: string, recipe: ImageRecipe): Promise<Pushed> {
    const bytes = await this.manifest(name, recipe);
    const { digest } = await this.client.putManifest(this.reference(name), mediaTypes.ociManifest, bytes);
    return { digest, manifests: [digest] };
  }

  /** Pushes images of several platforms under one index. */
  async index(name: string, { images, annotations, provenance }: IndexRecipe): Promise<Pushed> {
    const children = [];
    for (const { descriptorAnnotations, ...recipe } of images) {
      const bytes = await this.manifest(name, recipe);
      const digest = await this.byDigest(name, mediaTypes.ociManifest, bytes);
      children.push({
        mediaType: mediaTypes.ociManifest,
        digest,
        size: bytes.length,
        platform: parsePlatform(recipe.platform ?? 'linux/amd64'),
        ...(descriptorAnnotations && { annotations: descriptorAnnotations }),
      });
    }
    const attestations = provenance ? [await this.attestation(name, children[0]?.digest ?? '', provenance)] : [];
    const index = json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [...children, ...attestations],
      ...(annotations && { annotations }),
    });
    const { digest } = await this.client.putManifest(this.reference(name), mediaTypes.ociIndex, index);
    return { digest, manifests: children.map((child) => child.digest) };
  }

  private async manifest(name: string, recipe: ImageRecipe): Promise<Buffer> {
    const { os, architecture, variant } = parsePlatform(recipe.platform ?? 'linux/amd64');
    const layers = recipe.layers.map((text) => ({
      diffId: digestOf(Buffer.from(text)),
      bytes: gzipSync(text, { level: recipe.level ?? 6 }),
    }));
    const config = json({
      os,
      architecture,
      ...(variant && { variant }),
      ...(recipe.created && { created: recipe.created }),
      config: { ...(recipe.labels && { Labels: recipe.labels }), ...(recipe.onBuild && { OnBuild: recipe.onBuild }) },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    });
    return json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: await this.blob(name, mediaTypes.ociConfig, config),
      layers: await Promise.all(
        layers.map(({ bytes }) => this.blob(name, 'application/vnd.oci.image.layer.v1.tar+gzip', bytes)),
      ),
      ...(recipe.annotations && { annotations: recipe.annotations }),
    });
  }

  private async attestation(name: string, subject: string, statement: object): Promise<object> {
    const layer = await this.blob(name, 'application/vnd.in-toto+json', json(statement));
    const { predicateType } = statement as { predicateType?: string };
    const bytes = json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: await this.blob(name, mediaTypes.ociConfig, json({ architecture: 'unknown', os: 'unknown' })),
      layers: [{ ...layer, annotations: { 'in-toto.io/predicate-type': predicateType } }],
    });
    return {
      mediaType: mediaTypes.ociManifest,
      digest: await this.byDigest(name, mediaTypes.ociManifest, bytes),
      size: bytes.length,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': subject,
      },
    };
  }

  private async byDigest(name: string, mediaType: string, bytes: Buffer): Promise<Digest> {
    const { registry, repository } = this.reference(name);
    const { digest } = await this.client.putManifest(
      { registry, repository, digest: digestOf(bytes) },
      mediaType,
      bytes,
    );
    return digest;
  }

  private async blob(name: string, mediaType: string, bytes: Buffer) {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await this.client.uploadBlob(this.reference(name), descriptor, () => bytes);
    return descriptor;
  }
}
