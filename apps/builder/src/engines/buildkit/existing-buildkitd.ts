import type { BuildKitDaemon } from './buildkit.js';

/**
 * A daemon that somebody else runs, by its address (`unix:///run/buildkit/buildkitd.sock`, `tcp://builder:1234`). Its
 * registries are configured by its owner, in its buildkitd.toml.
 */
export function existingBuildkitd(host: string): BuildKitDaemon {
  return { host: async () => host, use: (_registries, work) => work(host), close: async () => {} };
}
