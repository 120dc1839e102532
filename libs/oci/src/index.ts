export { AddressPolicy, ForbiddenAddressError } from './address-policy.js';
export * from './challenges.js';
export * from './client.js';
export * from './clock.js';
export * from './docker-config.js';
export * from './errors.js';
export { UploadSourceError } from './failures.js';
export {
  defaultTimeouts,
  type FetchTimeouts,
  hostConfigFor,
  type HostConfig,
  type Hosts,
  type RegistryCredentials,
} from './hosts.js';
export * from './image-config.js';
export {
  type Descriptor,
  type ImageIndex,
  type ImageManifest,
  imageChildren,
  InvalidManifestError,
  isAttestation,
  type Manifest,
  parseManifest,
  platformsOf,
} from './manifest.js';
export type { FetchedManifest, ManifestHead, PutResult } from './manifests.js';
export * from './layout.js';
export * from './media-types.js';
export { beginning, Mirrors, type Mirror } from './mirrors.js';
export type { CallOptions, Repository } from './operations.js';
export type { PingResult } from './ping.js';
export * from './platform.js';
export * from './push-layout.js';
export type { BlobStream } from './pulls.js';
export * from './rate-limit.js';
export * from './reference.js';
export type { FetchedConfig, Snapshot } from './snapshots.js';
export type { RegistryWarning, RequestRecord } from './calls.js';
export type { BlobSource } from './uploads.js';
