export { claimSources, type ClaimSource } from './claims.js';
export type { Layer } from './image-reader.js';
export { defaultLimits, type LineageLimits, lineageOf, type LineageOptions } from './lineage.js';
export type { Link, LinkState, Proof } from './link.js';
export type { End, Lineage, LineageStatus, OwnedLayer, PlatformLineage } from './result.js';
export { explainLineage, short } from './words.js';
