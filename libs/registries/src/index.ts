export * from './registry-directory.js';
