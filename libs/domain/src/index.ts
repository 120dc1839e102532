export * from './apply.js';
export * from './definition.js';
export * from './image-names.js';
export * from './keys.js';
export * from './named-secrets.js';
export * from './tracking.js';
export * from './failure.js';
export * from './run/run.decider.js';
