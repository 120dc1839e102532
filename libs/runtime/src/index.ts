export * from './apply-each.js';
export * from './event-handlers.js';
export * from './events.module.js';
export * from './paging.js';
export * from './process.js';
export * from './reference-field.js';
export * from './runtime.js';
export * from './service-log.js';
