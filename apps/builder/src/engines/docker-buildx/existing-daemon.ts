import type { DockerDaemon } from './docker-buildx.js';

/**
 * A daemon that somebody else runs, by its address (`unix:///var/run/docker.sock`). Its registries are configured by its
 * owner, in its daemon.json, and it must have the containerd image store.
 */
export function existingDaemon(host: string, defaultNetwork: DockerDaemon['defaultNetwork'] = 'bridge'): DockerDaemon {
  return { host: async () => host, allow: async () => {}, defaultNetwork, close: async () => {} };
}
