export * from './archive/check.js';
export * from './archive/extract.js';
export type { ByteSource } from './archive/read.js';
export type { OutsideLinks } from './archive/tree.js';
export * from './context-file.js';
export * from './context-path.js';
export { ContextError, isContextError, type ContextErrorCode } from './errors.js';
export { defaultLimits, type ContextLimits } from './limits.js';
export * from './open.js';
