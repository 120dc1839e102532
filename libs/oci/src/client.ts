import type { BlobStream } from './pulls.js';
import * as pulls from './pulls.js';
import { type Clock, systemClock } from './clock.js';
import { defaultTimeouts, type FetchTimeouts, type Hosts } from './hosts.js';
import type { Descriptor } from './manifest.js';
import * as manifests from './manifests.js';
import { type CallOptions, pullScope, type Repository } from './operations.js';
import { ping, type PingResult } from './ping.js';
import type { Platform } from './platform.js';
import type { Digest, Reference } from './reference.js';
import * as referrerOperations from './referrers.js';
import * as snapshots from './snapshots.js';
import { listTags } from './tags.js';
import type { RegistryWarning, RequestRecord } from './calls.js';
import { Transport } from './transport.js';
import * as uploads from './uploads.js';

/** What may be read at a mirror. */
export interface ReadOptions extends CallOptions {
  /** Ask the registry itself, though a mirror has it. */
  readonly upstream?: boolean;
}

export interface RegistryClientOptions {
  readonly hosts: Hosts;
  /**
   * Where a repository is read, when that is at a mirror of its registry. Manifests, configs, blobs and lists come from
   * there alone: a mirror that cannot be reached is an error, so that nobody takes what lags for what is new.
   */
  readonly mirrors?: (repository: Repository) => Repository | undefined;
  /** Default `plinth`. */
  readonly userAgent?: string;
  readonly clock?: Clock;
  readonly fetchTimeouts?: Partial<FetchTimeouts>;
  /** Retries after the first try. Default 3. */
  readonly retries?: number;
  /** The longest Retry-After that a call waits for by itself; longer ones are left to the caller. Default 10 000 ms. */
  readonly maxRetryWaitMs?: number;
  /** Called for every request on the wire: metrics. */
  readonly onRequest?: (record: RequestRecord) => void;
  /** Called once per registry and text of a `Warning: 299` header. */
  readonly onWarning?: (warning: RegistryWarning) => void;
}

/**
 * A client of any number of OCI registries. Keeps connections and tokens per registry. Every operation throws
 * {@link RegistryError} for what goes wrong at the registry, and the signal's reason when it is aborted.
 */
export class RegistryClient {
  private readonly transport: Transport;
  private readonly mirrors: RegistryClientOptions['mirrors'];

  constructor(options: RegistryClientOptions) {
    this.mirrors = options.mirrors;
    this.transport = new Transport({
      hosts: options.hosts,
      userAgent: options.userAgent ?? 'plinth',
      clock: options.clock ?? systemClock,
      timeouts: { ...defaultTimeouts, ...options.fetchTimeouts },
      retries: options.retries ?? 3,
      maxRetryWaitMs: options.maxRetryWaitMs ?? 10_000,
      onRequest: options.onRequest,
      onWarning: options.onWarning,
    });
  }

  /** @see manifests.headManifest */
  headManifest(ref: Reference, options?: ReadOptions): Promise<manifests.ManifestHead | undefined> {
    return manifests.headManifest(this.transport, this.at(ref, options), options);
  }

  /** @see manifests.getManifest */
  getManifest(ref: Reference, options?: ReadOptions): Promise<manifests.FetchedManifest> {
    return manifests.getManifest(this.transport, this.at(ref, options), options);
  }

  /** @see snapshots.resolve */
  resolve(ref: Reference, options?: ReadOptions): Promise<snapshots.Snapshot> {
    return snapshots.resolve(this.transport, this.at(ref, options), options);
  }

  /** @see snapshots.getConfig */
  getConfig(ref: Reference, platform?: Platform, options?: ReadOptions): Promise<snapshots.FetchedConfig> {
    return snapshots.getConfig(this.transport, this.at(ref, options), platform, options);
  }

  /** @see pulls.getBlob */
  getBlob(repository: Repository, digest: Digest, options?: ReadOptions): Promise<BlobStream> {
    return pulls.getBlob(this.transport, this.at(repository, options), digest, options);
  }

  /** @see pulls.getBlobBytes */
  getBlobBytes(repository: Repository, digest: Digest, limit: number, options?: ReadOptions): Promise<Uint8Array> {
    return pulls.getBlobBytes(this.transport, this.at(repository, options), digest, limit, options);
  }

  hasBlob(repository: Repository, digest: Digest, options?: CallOptions): Promise<boolean> {
    return pulls.hasBlob(this.transport, repository, digest, options);
  }

  /** @see uploads.mountBlob */
  mountBlob(target: Repository, digest: Digest, from: Repository, options?: CallOptions): Promise<boolean> {
    return uploads.mountBlob(this.transport, target, digest, from, options);
  }

  /** @see uploads.uploadBlob */
  uploadBlob(
    target: Repository,
    blob: Pick<Descriptor, 'digest' | 'size'>,
    source: uploads.BlobSource,
    options?: CallOptions & { readonly mountFrom?: Repository },
  ): Promise<{ readonly mounted: boolean }> {
    return uploads.uploadBlob(this.transport, target, blob, source, options);
  }

  /** @see manifests.putManifest */
  putManifest(
    ref: Reference,
    mediaType: string,
    bytes: Uint8Array,
    options?: CallOptions & { readonly timeoutMs?: number },
  ): Promise<manifests.PutResult> {
    return manifests.putManifest(this.transport, ref, mediaType, bytes, options);
  }

  /** @see manifests.deleteManifest */
  deleteManifest(ref: Reference, options?: CallOptions): Promise<boolean> {
    return manifests.deleteManifest(this.transport, ref, options);
  }

  /** @see listTags */
  listTags(repository: Repository, options?: ReadOptions): Promise<string[]> {
    return listTags(this.transport, this.at(repository, options), options);
  }

  /** @see referrerOperations.referrers */
  referrers(
    repository: Repository,
    digest: Digest,
    artifactType?: string,
    options?: ReadOptions,
  ): Promise<Descriptor[]> {
    return referrerOperations.referrers(this.transport, this.at(repository, options), digest, artifactType, options);
  }

  /** @see referrerOperations.pushReferrer */
  pushReferrer(
    repository: Repository,
    mediaType: string,
    bytes: Uint8Array,
    options?: CallOptions,
  ): Promise<Descriptor> {
    return referrerOperations.pushReferrer(this.transport, repository, mediaType, bytes, options);
  }

  private at<R extends Repository>(ref: R, options: ReadOptions | undefined): R {
    const mirror = options?.upstream ? undefined : this.mirrors?.(ref);
    return mirror ? { ...ref, ...mirror } : ref;
  }

  /** Whether a registry can be reached and our login is accepted, in words. */
  ping(registry: string, options?: CallOptions): Promise<PingResult> {
    return ping(this.transport, registry, options);
  }

  /**
   * Fetches one token that covers pulling from all these repositories (some 20 fit well into one), so that probing them
   * needs no token each. A registry that grants less is asked again per repository.
   */
  authorize(registry: string, repositories: readonly string[], options?: CallOptions): Promise<void> {
    const scopes = repositories.map((repository) => pullScope({ registry, repository }));
    return this.transport.authorize(registry, scopes, options?.signal);
  }

  /** Drops what is kept of a registry; call it when its configuration or credentials changed. */
  forget(registry: string): Promise<void> {
    return this.transport.forget(registry);
  }

  /** Closes all connections, also of requests that are running. */
  close(): Promise<void> {
    return this.transport.close();
  }
}
