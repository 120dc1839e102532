export { announceEveryMs, type Announcement } from './announce.js';
export { BuilderService, createBuilder, type BuilderConfig, type BuilderDeps } from './builder.service.js';
export { contextsFrom, type UploadedContexts } from './contexts.js';
export { builderMetrics } from './metrics.js';
export type { BuilderMetrics, Contexts } from './ports.js';
export { AdoptedImages } from './projection/adopted-images.js';
export { Published } from './projection/published.js';
