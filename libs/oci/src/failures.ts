import { type Asked, subject } from './answers.js';
import { RegistryError } from './errors.js';

/** A body that we were sending could not be read; not the registry's fault, and passed on as it is. */
export class UploadSourceError extends Error {
  override readonly name = 'UploadSourceError';
  readonly code = 'UPLOAD_SOURCE_FAILED';
}

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);
/** The connection broke or was not there; the same request may go through a moment later. */
const BROKEN = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** Whether repeating the same request may help: 408, 429, 5xx, and connections that broke. Silence is not repeated. */
export function isTransient(error: RegistryError): boolean {
  if (error.status !== undefined && error.code !== 'TOO_LARGE') return isTransientStatus(error.status);
  const code = codeOf(error.cause) ?? '';
  // HPE_…: bytes that are no HTTP, as after a body that came with an answer to HEAD. The connection is dropped.
  return error.code === 'UNAVAILABLE' && (BROKEN.has(code) || code.startsWith('HPE_'));
}

function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** Any failure of a request as a RegistryError that says which registry and what was being done. */
export function wrapFailure(failure: unknown, asked: Asked): RegistryError {
  if (failure instanceof RegistryError) return failure;
  if (failure instanceof UploadSourceError) throw failure;
  const cause = rootCause(failure);
  const code = codeOf(cause);
  const where = `${subject(asked)}: ${asked.doing} at ${asked.registry}`;
  if (code === 'FORBIDDEN_ADDRESS') {
    return new RegistryError('FORBIDDEN_ADDRESS', `${where} was refused: ${message(cause)}`, { ...asked, cause });
  }
  if (TIMEOUTS.has(code ?? '') || isTimeoutError(cause)) {
    return new RegistryError('TIMEOUT', `${where} took too long: ${message(cause)}`, { ...asked, cause });
  }
  return new RegistryError('UNAVAILABLE', `${where} failed: ${wordsFor(code) ?? message(cause)}`, { ...asked, cause });
}

/** OpenSSL's own words name a line of its source. */
function wordsFor(code: string | undefined): string | undefined {
  return code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG'
    ? 'it was asked over TLS, and does not speak it; perhaps it is one for plain HTTP (scheme http)'
    : undefined;
}

/** With several addresses Node tries each and throws them all; the first tells what is wrong. */
function rootCause(failure: unknown): unknown {
  if (failure instanceof AggregateError) return rootCause(failure.errors[0]);
  return failure;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function isTimeoutError(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

function message(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
