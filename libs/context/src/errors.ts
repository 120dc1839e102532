/**
 * What can go wrong with a build context.
 * - `INVALID`: the path or the archive is not what it has to be. - `UNSAFE_ARCHIVE`: it would write outside, or is a bomb.
 * - `TOO_LARGE`: a limit was passed. - `NOT_FOUND`, `ACCESS_DENIED`: as the server said.
 * - `UNAVAILABLE`: nothing is wrong with the request; later it may work. - `REVISION_GONE`: the exact revision that was
 *   asked for is not there any more.
 */
export type ContextErrorCode =
  'INVALID' | 'UNSAFE_ARCHIVE' | 'TOO_LARGE' | 'NOT_FOUND' | 'ACCESS_DENIED' | 'UNAVAILABLE' | 'REVISION_GONE';

export class ContextError extends Error {
  override readonly name = 'ContextError';
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(
    readonly code: ContextErrorCode,
    /** What happened, to what, and what to do. Never holds a credential. */
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.retryable = code === 'UNAVAILABLE';
  }
}

export const isContextError = (error: unknown): error is ContextError =>
  error instanceof Error && error.name === 'ContextError' && 'code' in error;

/** A name that a stranger chose, fit for a message: quoted, escaped, cut. */
export function shown(text: string): string {
  const quoted = JSON.stringify(text.length > 120 ? `${text.slice(0, 100)}…${text.slice(-16)}` : text);
  // oxlint-disable-next-line no-control-regex -- JSON leaves DEL and C1, which terminals obey
  return quoted.replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?');
}

/** The words of an unknown failure, one line, for the end of a sentence. */
export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(CONTROLS, ' ').trim().slice(0, 500);
}

// oxlint-disable-next-line no-control-regex -- a server's words must not steer a terminal
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g;
