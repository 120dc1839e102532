import { PlinthError } from '#libs/contracts';
import type { Principal } from './auth/principal.js';

/** What a handler knows of the call beside its input, and what it may say beside its output. */
export interface CallContext {
  readonly principal: Principal;
  /** Aborted when the caller went away, its deadline passed, or the service stops. */
  readonly signal: AbortSignal;
  /** The answer stands in the log at this sequence; it becomes `Plinth-Position`. The greatest one counts. */
  wrote(sequence: number): void;
  readonly idempotencyKey?: string;
  /** Version that the caller wants to change (`If-Match`), without quotes. Absent: any version. */
  readonly ifMatch?: string;
  /** Version of what is answered; it becomes `ETag`. */
  setEtag(etag: string): void;
  /** Of a stream: the id of the last item that the caller has (`Last-Event-ID`). */
  readonly lastEventId?: number;
}

export interface CallOptions {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly idempotencyKey?: string | undefined;
  readonly ifMatch?: string | undefined;
  readonly lastEventId?: number | undefined;
}

/** The one implementation of {@link CallContext}; transports read back what the handler said. */
export class Call implements CallContext {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  declare readonly idempotencyKey?: string;
  declare readonly ifMatch?: string;
  declare readonly lastEventId?: number;
  #position: number | undefined;
  #etag: string | undefined;

  constructor(options: CallOptions) {
    this.principal = options.principal;
    this.signal = options.signal;
    if (options.idempotencyKey !== undefined) this.idempotencyKey = options.idempotencyKey;
    if (options.ifMatch !== undefined) this.ifMatch = options.ifMatch;
    if (options.lastEventId !== undefined) this.lastEventId = options.lastEventId;
  }

  wrote(sequence: number): void {
    this.#position = Math.max(this.#position ?? 0, sequence);
  }
  setEtag(etag: string): void {
    this.#etag = etag;
  }
  /** Position that the handler wrote at, where it wrote. */
  get position(): number | undefined {
    return this.#position;
  }
  get etag(): string | undefined {
    return this.#etag;
  }
}

/**
 * For handlers that change something: refuses when the caller named another version than `current`. No `If-Match`
 * permits (AIP-154).
 *
 * @throws PlinthError ETAG_MISMATCH
 */
export const requireEtag = (call: CallContext, current: string, what: string): void => {
  if (call.ifMatch !== undefined && call.ifMatch !== current) {
    throw new PlinthError(
      'ETAG_MISMATCH',
      `${what} is at "${current}", not at "${call.ifMatch}". Read it again and decide on what it is now.`,
    );
  }
};

/**
 * `If-Match: "abc"` → `abc`; `*` and absence → undefined (any version). Weak tags count as strong ones: versions
 * here are of the resource, not of its bytes (RFC 9110 §13.1.1).
 *
 * @throws PlinthError INVALID_ARGUMENT for anything else, lists included
 */
export const parseIfMatch = (value: string | undefined): string | undefined => {
  if (value === undefined || value.trim() === '*') return undefined;
  const tag = /^(?:W\/)?"([\x21\x23-\x7e]+)"$/.exec(value.trim())?.[1];
  if (tag === undefined) {
    throw new PlinthError('INVALID_ARGUMENT', 'If-Match is not an entity tag.', [
      { field: 'If-Match', message: 'expected one entity tag in quotes, such as "42", or *' },
    ]);
  }
  return tag;
};

/**
 * A position or an offset that stands in a header.
 *
 * @throws PlinthError INVALID_ARGUMENT when it is no whole number
 */
export const parseCount = (header: string, value: string | undefined): number | undefined => {
  if (value === undefined || value === '') return undefined;
  const count = Number(value);
  if (!/^[0-9]{1,16}$/.test(value) || !Number.isSafeInteger(count)) {
    throw new PlinthError('INVALID_ARGUMENT', `${header} is not a whole number.`, [
      { field: header, message: 'expected a whole number from 0' },
    ]);
  }
  return count;
};
