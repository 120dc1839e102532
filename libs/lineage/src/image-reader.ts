import {
  type Descriptor,
  type Digest,
  type FetchedManifest,
  formatReference,
  imageChildren,
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
  isAttestation,
  isImageConfigType,
  isRegistryError,
  matchPlatform,
  parseImageConfig,
  parsePlatform,
  platformKey,
  platformOfConfig,
  platformsOf,
  type Reference,
  RegistryError,
  type RegistryClient,
  type RegistryErrorCode,
  withDigest,
} from '#libs/oci';
import { type Claim, type Claims, claimsOf, joinClaims } from './claims.js';
import { imagesOfProvenance, isProvenance } from './provenance.js';

/** One layer: its digest in the registry, and the one of what is in it. */
export interface Layer {
  readonly digest: Digest;
  readonly diffId: Digest;
  /** Bytes in the registry. */
  readonly size: number;
}

/** What a registry has of one image, for one platform. */
export interface ImageSeen {
  readonly reference: Reference;
  /** What the reference names: an index, or the manifest itself. */
  readonly digest: Digest;
  /** The platform's manifest. */
  readonly manifest: Digest;
  /** The platform that was asked for. */
  readonly platform: string;
  /** The one that the image says it is for: another one only where a single manifest was named, or an index is wrong. */
  readonly runsOn: string;
  /** ISO 8601; null when the image does not say. */
  readonly created: string | null;
  readonly layers: readonly Layer[];
  readonly diffIds: readonly Digest[];
  readonly claims: Claims;
  /** The provenance beside it, when the index lists one. */
  readonly attestations: readonly Descriptor[];
}

/** What a look at an image found. */
export type Look =
  | { readonly kind: 'Found'; readonly image: ImageSeen }
  /** No such tag or digest. */
  | { readonly kind: 'Gone' }
  /** It is there, but not for the platform. */
  | { readonly kind: 'NoPlatform'; readonly offered: readonly string[] }
  /** Nobody knows: the registry refused, failed or is out of reach, or a limit of ours was reached. */
  | { readonly kind: 'Unreadable'; readonly why: string };

/** What a question may cost. Names and sizes come from strangers. */
export interface ReadLimits {
  /** Sum of manifests, configs and provenance, in bytes. A single one is never larger than 4 MiB. */
  readonly bytes: number;
  /** Manifests, configs and provenance. */
  readonly reads: number;
}

/** What reading needs of a client. */
export type Registry = Pick<RegistryClient, 'getManifest' | 'getBlobBytes' | 'resolve'>;

/** Of a config or provenance, in bytes. */
const BLOB_LIMIT = 4 * 1024 * 1024;
/** No image is older than Docker: an earlier time is that of a build which leaves it out to be reproducible. */
const FIRST_IMAGE = Date.parse('2013-03-01T00:00:00Z');

/**
 * Reads images, each tag once and each digest once, whatever asks how often: so the answers of one reader are about one
 * moment. Nothing is kept beyond it.
 */
export class ImageReader {
  private readonly manifests = new Map<string, Promise<FetchedManifest>>();
  private readonly looks = new Map<string, Promise<Look>>();
  private bytes = 0;
  private reads = 0;

  constructor(
    private readonly registry: Registry,
    private readonly limits: ReadLimits,
    private readonly signal?: AbortSignal,
  ) {}

  /** The platform keys that an image is there for. @throws RegistryError */
  async platforms(reference: Reference): Promise<string[]> {
    const fetched = await this.manifest(reference);
    if (fetched.manifest.kind === 'image') {
      const { config } = await this.config(reference, fetched.digest);
      return [platformKey(platformOfConfig(config))];
    }
    return Object.keys(await this.offered(reference, fetched.digest, fetched.manifest));
  }

  /** An image for a platform; undefined when it is not there for that. @throws RegistryError */
  async image(reference: Reference, platform: string): Promise<ImageSeen | undefined> {
    const look = await this.see(reference, platform);
    return look.kind === 'Found' ? look.image : undefined;
  }

  /** An image for a platform. Resolves for whatever goes wrong; rejects only when it is aborted. */
  async look(reference: Reference, platform: string): Promise<Look> {
    try {
      return await this.see(reference, platform);
    } catch (error) {
      if (isRegistryError(error, 'NOT_FOUND')) return { kind: 'Gone' };
      if (isRegistryError(error)) return { kind: 'Unreadable', why: error.message };
      throw error;
    }
  }

  /** The images that the build of this one used, by the provenance that BuildKit puts beside it. */
  async provenance({ reference, attestations }: ImageSeen): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (const attestation of attestations) {
      try {
        const { manifest } = await this.manifest(withDigest(bare(reference), attestation.digest));
        const layers = manifest.kind === 'image' ? manifest.layers : [];
        for (const { digest, size } of layers.filter(({ annotations }) =>
          isProvenance(annotations?.['in-toto.io/predicate-type']),
        )) {
          this.spend(reference, size);
          const { signal } = this;
          const bytes = await this.registry.getBlobBytes(reference, digest, BLOB_LIMIT, { signal });
          claims.push(...imagesOfProvenance(bytes));
        }
      } catch (error) {
        // It is only one witness more: without it the answer says less, and nothing wrong.
        if (!isRegistryError(error)) throw error;
      }
    }
    return claims;
  }

  private see(reference: Reference, platform: string): Promise<Look> {
    const key = `${formatReference(reference)} ${platform}`;
    let look = this.looks.get(key);
    if (!look) this.looks.set(key, (look = this.read(reference, platform)));
    return look;
  }

  private async read(reference: Reference, platform: string): Promise<Look> {
    const { digest, manifest } = await this.manifest(reference);
    if (manifest.kind === 'image') return this.seen(reference, platform, digest, digest, undefined);
    const offered = await this.offered(reference, digest, manifest);
    const key = matchPlatform(parsePlatform(platform), Object.keys(offered));
    const child = key === undefined ? undefined : offered[key];
    if (child === undefined) return { kind: 'NoPlatform', offered: Object.keys(offered) };
    return this.seen(reference, platform, digest, child, manifest);
  }

  private async seen(
    reference: Reference,
    platform: string,
    digest: Digest,
    child: Digest,
    index: ImageIndex | undefined,
  ): Promise<Look> {
    const { manifest, config } = await this.config(reference, child);
    const diffIds = config.rootfs.diff_ids;
    const image: ImageSeen = {
      reference,
      digest,
      manifest: child,
      platform,
      runsOn: platformKey(platformOfConfig(config)),
      created: createdAt(config.created),
      // An image whose two lists differ in length is broken; what is there twice is what counts.
      layers: manifest.layers.flatMap(({ digest: layer, size }, at) => {
        const diffId = diffIds[at];
        return diffId === undefined ? [] : [{ digest: layer, diffId, size }];
      }),
      diffIds,
      claims: joinClaims(
        claimsOf(manifest.annotations, 'Manifest'),
        claimsOf(index?.manifests.find((one) => one.digest === child)?.annotations, 'Descriptor'),
        claimsOf(index?.annotations, 'Index'),
        claimsOf(config.config?.Labels, 'Label'),
      ),
      attestations: (index?.manifests ?? []).filter(
        (one) => isAttestation(one) && one.annotations?.['vnd.docker.reference.digest'] === child,
      ),
    };
    return { kind: 'Found', image };
  }

  /** Manifest by platform. An index whose children do not say for what they are, or are indexes, is looked into. */
  private async offered(
    reference: Reference,
    digest: Digest,
    index: ImageIndex,
  ): Promise<Readonly<Record<string, Digest>>> {
    const children = imageChildren(index);
    const plain = platformsOf(index);
    if (children.every(({ platform, digest: child }) => platform && Object.values(plain).includes(child))) return plain;
    this.spend(reference, 0);
    const { signal } = this;
    return (await this.registry.resolve(withDigest(reference, digest), { signal })).platforms;
  }

  private manifest(reference: Reference): Promise<FetchedManifest> {
    const key = formatReference(reference);
    let fetched = this.manifests.get(key);
    if (!fetched) {
      fetched = this.fetch(reference);
      this.manifests.set(key, fetched);
    }
    return fetched;
  }

  private async fetch(reference: Reference): Promise<FetchedManifest> {
    this.spend(reference, 0);
    const { signal } = this;
    const fetched = await this.registry.getManifest(reference, { signal });
    this.bytes += fetched.size;
    const named = formatReference(withDigest(bare(reference), fetched.digest));
    if (!this.manifests.has(named)) this.manifests.set(named, Promise.resolve(fetched));
    return fetched;
  }

  /** A platform's manifest with its config. Manifests that are known already are not asked again: on some registries each counts. */
  private async config(
    reference: Reference,
    digest: Digest,
  ): Promise<{ manifest: ImageManifest; config: ImageConfig }> {
    const { manifest, mediaType } = await this.manifest(withDigest(bare(reference), digest));
    if (manifest.kind !== 'image' || !isImageConfigType(manifest.config.mediaType)) {
      const type = manifest.kind === 'image' ? manifest.config.mediaType : mediaType;
      throw this.unusable(reference, 'UNSUPPORTED_MANIFEST', `is not a container image but ${type}`);
    }
    const { config } = manifest;
    this.spend(reference, config.size);
    const { signal } = this;
    const bytes = await this.registry.getBlobBytes(reference, config.digest, BLOB_LIMIT, { signal });
    try {
      return { manifest, config: parseImageConfig(bytes) };
    } catch (error) {
      throw this.unusable(reference, 'INVALID_RESPONSE', `has no usable config: ${(error as Error).message}`);
    }
  }

  private unusable(reference: Reference, code: RegistryErrorCode, why: string): RegistryError {
    const name = formatReference(reference);
    return new RegistryError(code, `${name} ${why}`, { registry: reference.registry, reference: name });
  }

  /** Counts a read of so many bytes, as far as that is known before. @throws RegistryError TOO_LARGE */
  private spend(reference: Reference, bytes: number): void {
    this.reads += 1;
    if (this.reads > this.limits.reads || this.bytes + bytes > this.limits.bytes) {
      const { reads, bytes: most } = this.limits;
      throw this.unusable(
        reference,
        'TOO_LARGE',
        `was not read, as ${reads} manifests or ${most} bytes have been already`,
      );
    }
    this.bytes += bytes;
  }
}

/** Without tag and digest. */
function bare({ registry, repository }: Reference): Reference {
  return { registry, repository };
}

function createdAt(text: string | undefined): string | null {
  const time = Date.parse(text ?? '');
  return time >= FIRST_IMAGE ? new Date(time).toISOString() : null;
}
