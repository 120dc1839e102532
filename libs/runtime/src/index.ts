export * from './event-handlers.js';
export * from './paging.js';
export * from './runtime.js';
export * from './service-log.js';
