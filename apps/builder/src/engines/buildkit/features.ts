import type { EngineFeature } from '../engine.js';

/** What BuildKit knows, behind whichever client. */
export const buildkitFeatures: ReadonlySet<EngineFeature> = new Set<EngineFeature>([
  'heredoc',
  'copy-link',
  'add-checksum',
  'multi-platform',
]);
