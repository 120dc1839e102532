export { createGrpcClient, type GrpcClientOptions } from './grpc.js';
export { createClient, type ClientOptions } from './http.js';
export { ConnectionError, type RetryOptions } from './retry.js';
export { SseParser, type ServerSentEvent } from './sse.js';
export type { CallOptions, Client, ClientInput, ClientMethod, UploadBody, UploadOptions } from './types.js';
