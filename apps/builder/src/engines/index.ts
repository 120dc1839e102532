export * from './engine.js';
export { DockerBuildxEngine } from './docker-buildx/docker-buildx.js';
export type { DockerBuildxOptions, DockerDaemon } from './docker-buildx/docker-buildx.js';
export { existingDaemon } from './docker-buildx/existing-daemon.js';
export { ManagedDockerd } from './docker-buildx/managed-dockerd.js';
export type { ManagedDockerdOptions } from './docker-buildx/managed-dockerd.js';
export { BuildahEngine } from './buildah/buildah.js';
export type { BuildahOptions } from './buildah/buildah.js';
export { featureNames, requiredFeatures } from './features.js';
