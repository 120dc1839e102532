import type { RateLimit } from './rate-limit.js';

/**
 * What went wrong at a registry, as a word that programs can decide on:
 * - `UNAUTHORIZED` 401: credentials missing or refused; `DENIED` 403: known, but not allowed; `NOT_FOUND` 404
 * - `RATE_LIMITED` 429: see `retryAfterMs`; `UNAVAILABLE` 5xx or no connection; `TIMEOUT` no answer in time
 * - `TAG_IMMUTABLE` the registry does not move this tag; `REJECTED` it refused what we sent (400, 405, 409, 422 …)
 * - `INVALID_RESPONSE` the answer breaks the protocol or its digest; `TOO_LARGE` the answer exceeds our limit
 * - `UNSUPPORTED_MANIFEST` a format that cannot be used (schema 1)
 * - `FORBIDDEN_ADDRESS` it sent us to an address or scheme that its configuration does not allow
 */
export type RegistryErrorCode =
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'NOT_FOUND'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'TIMEOUT'
  | 'TAG_IMMUTABLE'
  | 'REJECTED'
  | 'INVALID_RESPONSE'
  | 'TOO_LARGE'
  | 'UNSUPPORTED_MANIFEST'
  | 'FORBIDDEN_ADDRESS';

export interface RegistryErrorDetails {
  readonly registry: string;
  /** The reference or repository concerned, canonical. */
  readonly reference?: string;
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  /** How long the registry asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly rateLimit?: RateLimit;
  readonly cause?: unknown;
}

/** A registry did not do what was asked. The message has the registry's own words and never a credential. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly registry: string;
  readonly reference?: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly rateLimit?: RateLimit;

  constructor(
    readonly code: RegistryErrorCode,
    message: string,
    details: RegistryErrorDetails,
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.registry = details.registry;
    this.reference = details.reference;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.rateLimit = details.rateLimit;
  }
}

/** Whether this is a {@link RegistryError}, of one of these codes when any are given. Works across copies of the class. */
export function isRegistryError(error: unknown, ...codes: RegistryErrorCode[]): error is RegistryError {
  if (!(error instanceof Error) || error.name !== 'RegistryError' || !('code' in error)) return false;
  return codes.length === 0 || codes.includes(error.code as RegistryErrorCode);
}
