import { errors, isPlinthError, PlinthError, type ErrorCode, type Problem } from '#libs/contracts';

export const problemType = (code: ErrorCode): string => `https://plinth.dev/errors/${code}`;

interface HttpLike {
  readonly statusCode?: number;
  readonly getStatus?: () => number;
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'CONFLICT',
  412: 'FAILED_PRECONDITION',
  413: 'PAYLOAD_TOO_LARGE',
  414: 'INVALID_ARGUMENT',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/**
 * Any thrown value as an error of the list. What is not known becomes INTERNAL, whose text says nothing of the
 * cause: that is for the log.
 */
export const asPlinthError = (thrown: unknown): PlinthError => {
  if (isPlinthError(thrown)) return thrown;
  const error = thrown as (Error & HttpLike & { code?: unknown }) | null | undefined;
  if (error?.code === 'CONCURRENCY_CONFLICT') {
    return new PlinthError('CONFLICT', 'It was changed by somebody else meanwhile. Read it again and repeat.', [], {
      cause: thrown,
    });
  }
  // Errors of the web framework: bad URLs, headers that are too large, a body that does not fit its length.
  const status = typeof error?.getStatus === 'function' ? error.getStatus() : error?.statusCode;
  const code = status === undefined ? undefined : codeOfStatus[status];
  if (code && error instanceof Error) return new PlinthError(code, error.message, [], { cause: thrown });
  return new PlinthError(
    'INTERNAL',
    'Plinth made a mistake. The log of the service has the cause under the id of this answer.',
    [],
    { cause: thrown },
  );
};

/** The answer for an error; `id` is the correlation id (a UUID). */
export const toProblem = (error: PlinthError, id: string): Problem => ({
  type: problemType(error.code),
  title: errors[error.code].title,
  status: errors[error.code].http,
  detail: error.message,
  code: error.code,
  instance: `urn:uuid:${id}`,
  ...(error.violations.length > 0 ? { errors: error.violations } : {}),
});

const comeBack = { 'retry-after': '1' };
const headersOf: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  UNAUTHENTICATED: { 'www-authenticate': 'Bearer realm="plinth"' },
  PERMISSION_DENIED: { 'www-authenticate': 'Bearer realm="plinth", error="insufficient_scope"' },
  PROJECTION_BEHIND: comeBack,
  RESOURCE_EXHAUSTED: comeBack,
  UNAVAILABLE: comeBack,
};

/** Headers that belong to an error: how to authenticate (RFC 9110 §11.6.1), when to come back. */
export const problemHeaders = (code: ErrorCode): Readonly<Record<string, string>> => headersOf[code] ?? {};
