import type { Readable } from 'node:stream';
import type { Asked } from './answers.js';
import type { Clock } from './clock.js';
import type { FetchTimeouts, Hosts } from './hosts.js';
import type { RateLimit } from './rate-limit.js';

/** One request that was made, for metrics. */
export interface RequestRecord {
  readonly registry: string;
  /** The host that answered: the registry's, its token server's or its storage's. */
  readonly host: string;
  readonly method: string;
  /** HTTP status; absent when there was no answer. */
  readonly status?: number;
  /** Milliseconds until the headers of the answer. */
  readonly ms: number;
  readonly rateLimit?: RateLimit;
}

/** A `Warning: 299` header: something that the registry's operator wants people to read. */
export interface RegistryWarning {
  readonly registry: string;
  readonly text: string;
}

export interface TransportOptions {
  readonly hosts: Hosts;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly timeouts: FetchTimeouts;
  /** Retries after the first try of a call that does not say how many it may have. */
  readonly retries: number;
  /** The longest Retry-After that is waited for inside a call, in milliseconds; longer ones are left to the caller. */
  readonly maxRetryWaitMs: number;
  readonly onRequest?: (record: RequestRecord) => void;
  readonly onWarning?: (warning: RegistryWarning) => void;
}

/** A request to a registry, as the operations describe it. */
export interface Call extends Asked {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Path with query at the registry, or the URL of an upload session. */
  readonly target: string | URL;
  readonly headers?: Record<string, string>;
  /** A body is made anew for each try. */
  readonly body?: () => Readable | Uint8Array;
  /** Rights that the token must have: `repository:library/node:pull`. */
  readonly scopes: readonly string[];
  /** Statuses that are an answer; all others become a {@link RegistryError}. */
  readonly accept: readonly number[];
  /** Retries after the first try, when it is not the usual number; 0 when repeating it would not be the same call. */
  readonly retries?: number | undefined;
  /** Blobs take as long as they take: silence is bounded, the whole is not. */
  readonly unbounded?: boolean;
  /** Silence allowed before the answer, when it is not the usual. Milliseconds. */
  readonly headersMs?: number;
  readonly signal?: AbortSignal;
}
