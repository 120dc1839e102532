/**
 * Every error that crosses a service boundary, once: what it is over HTTP, over gRPC, to a queue, and as the exit
 * code of a command. `title` is the short sentence for people; the particular one stands in `detail`.
 *
 * `settle` says what a worker does with the message in hand: `retry` (nak with delay), `drop` (terminate).
 */
export const errors = {
  INVALID_ARGUMENT: { http: 400, grpc: 3, settle: 'drop', exit: 2, title: 'The request is not valid' },
  UNAUTHENTICATED: { http: 401, grpc: 16, settle: 'drop', exit: 4, title: 'A valid token is needed' },
  PERMISSION_DENIED: { http: 403, grpc: 7, settle: 'drop', exit: 4, title: 'The token does not allow this' },
  NOT_FOUND: { http: 404, grpc: 5, settle: 'drop', exit: 3, title: 'There is no such thing' },
  METHOD_NOT_ALLOWED: { http: 405, grpc: 12, settle: 'drop', exit: 2, title: 'The path does not take this method' },
  ALREADY_EXISTS: { http: 409, grpc: 6, settle: 'drop', exit: 5, title: 'It exists already' },
  CONFLICT: { http: 409, grpc: 10, settle: 'retry', exit: 5, title: 'It was changed by somebody else meanwhile' },
  FAILED_PRECONDITION: { http: 412, grpc: 9, settle: 'drop', exit: 5, title: 'The state it needs is not there' },
  ETAG_MISMATCH: { http: 412, grpc: 10, settle: 'drop', exit: 5, title: 'It is not at the version that was named' },
  PAYLOAD_TOO_LARGE: { http: 413, grpc: 8, settle: 'drop', exit: 2, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: {
    http: 415,
    grpc: 3,
    settle: 'drop',
    exit: 2,
    title: 'The body has a type that is not taken here',
  },
  IDEMPOTENCY_KEY_REUSED: {
    http: 422,
    grpc: 9,
    settle: 'drop',
    exit: 5,
    title: 'The idempotency key was used for another request',
  },
  RESOURCE_EXHAUSTED: { http: 429, grpc: 8, settle: 'retry', exit: 1, title: 'Too much at once' },
  PROJECTION_BEHIND: {
    http: 503,
    grpc: 14,
    settle: 'retry',
    exit: 1,
    title: 'This service has not caught up with that position yet',
  },
  UNAVAILABLE: { http: 503, grpc: 14, settle: 'retry', exit: 1, title: 'Something this needs cannot be reached' },
  DEADLINE_EXCEEDED: { http: 504, grpc: 4, settle: 'retry', exit: 124, title: 'It took too long' },
  INTERNAL: { http: 500, grpc: 13, settle: 'retry', exit: 1, title: 'Plinth made a mistake' },
} as const satisfies Record<string, ErrorEntry>;

interface ErrorEntry {
  readonly http: number;
  /** Status code of gRPC (grpc/doc/statuscodes.md). */
  readonly grpc: number;
  readonly settle: 'retry' | 'drop';
  readonly exit: number;
  readonly title: string;
}

export type ErrorCode = keyof typeof errors;

/** One thing that is wrong with a request: where, and what was expected there. */
export interface FieldViolation {
  /** Path of the field, such as `step.imageNames[0]`. */
  readonly field: string;
  readonly message: string;
}

/** An error with a code of the list above. Thrown by handlers; mapped in one place. */
export class PlinthError extends Error {
  override readonly name = 'PlinthError';
  constructor(
    readonly code: ErrorCode,
    /** What happened, to what, and what to do. */
    message: string,
    readonly violations: readonly FieldViolation[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export const isPlinthError = (error: unknown): error is PlinthError =>
  error instanceof Error && error.name === 'PlinthError' && (error as PlinthError).code in errors;
