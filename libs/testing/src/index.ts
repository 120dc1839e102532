export * from './fake-clock.js';
export * from './free-port.js';
export * from './given.js';
export * from './nats.js';
export * from './oidc-issuer.js';
export * from './proxy.js';
export * from './temp-dir.js';
export * from './tool-path.js';
