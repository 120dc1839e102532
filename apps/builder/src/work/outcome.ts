import type { FailureCode } from '#libs/contracts';
import { isContextError } from '#libs/context';
import { isDockerfileError } from '#libs/dockerfile';
import { isAttemptLost } from '#libs/domain';
import { isRegistryError, type RegistryError } from '#libs/oci';
import type { BuildFailureCode } from '../engines/engine.js';
import { BuildFailure, isAttemptStopped, type StopKind } from './failure.js';

/** How an attempt ended; each but the last two is one event of the run. */
export type Outcome =
  | { readonly type: 'succeeded'; readonly unchanged: boolean }
  | { readonly type: 'failed'; readonly code: FailureCode; readonly reason: string }
  | { readonly type: 'timed-out' }
  | { readonly type: 'canceled'; readonly reason: 'Requested' | 'Superseded'; readonly message: string }
  /** Ours: tried again as another attempt. */
  | { readonly type: 'errored'; readonly reason: string; readonly retryAfterMs: number }
  /** Another builder holds the run, or may: nothing more is said of it. */
  | { readonly type: 'lost'; readonly message: string }
  /** This builder is shutting down: another takes over. */
  | { readonly type: 'released' };

/** What an attempt was doing at a registry; decides whose fault a refusal is. */
export type RegistryWork = 'reading' | 'publishing';

/** The outcome that an error of an attempt means. */
export const outcomeOf = (error: unknown, work: RegistryWork): Outcome => {
  if (isAttemptStopped(error)) return stopped(error.kind, error.message);
  if (isAttemptLost(error)) return { type: 'lost', message: error.message };
  if (error instanceof BuildFailure) return failed(error.code, error.message);
  if (isDockerfileError(error)) return failed('DOCKERFILE_INVALID', error.message);
  if (isContextError(error)) {
    return error.retryable ? errored(error.message) : failed('CONTEXT_UNREADABLE', error.message);
  }
  if (isRegistryError(error)) return ofRegistry(error, work);
  // EngineError, LogError, and what nobody foresaw: ours.
  return errored(error instanceof Error ? error.message : String(error));
};

const stopped = (kind: StopKind, message: string): Outcome => {
  switch (kind) {
    case 'canceled':
      return { type: 'canceled', reason: 'Requested', message };
    case 'superseded':
      return { type: 'canceled', reason: 'Superseded', message };
    case 'timed-out':
      return { type: 'timed-out' };
    case 'attempt-lost':
    case 'lease-lost':
      return { type: 'lost', message };
    case 'shutdown':
      return { type: 'released' };
  }
};

const ofRegistry = (error: RegistryError, work: RegistryWork): Outcome => {
  switch (error.code) {
    case 'UNAUTHORIZED':
    case 'DENIED':
    case 'FORBIDDEN_ADDRESS':
      return failed('ACCESS_DENIED', error.message);
    case 'TAG_IMMUTABLE':
      return failed('TAG_IMMUTABLE', error.message);
    case 'NOT_FOUND':
    case 'REJECTED':
    case 'TOO_LARGE':
    case 'UNSUPPORTED_MANIFEST':
      // A repository that has to be created first, a name that the registry does not take, a base that is no image.
      return failed(work === 'publishing' ? 'IMAGE_NAME_INVALID' : 'BASE_NOT_FOUND', error.message);
    case 'RATE_LIMITED':
    case 'UNAVAILABLE':
    case 'TIMEOUT':
    case 'INVALID_RESPONSE':
      return errored(error.message, error.retryAfterMs);
  }
};

const failed = (code: FailureCode, reason: string): Outcome => ({ type: 'failed', code, reason });
const errored = (reason: string, retryAfterMs = 0): Outcome => ({ type: 'errored', reason, retryAfterMs });

/** The engine's finer words in those of the run. */
export const failureCodes: Readonly<Record<BuildFailureCode, FailureCode>> = {
  DOCKERFILE_NOT_FOUND: 'DOCKERFILE_NOT_FOUND',
  DOCKERFILE_INVALID: 'DOCKERFILE_INVALID',
  TARGET_NOT_FOUND: 'DOCKERFILE_INVALID',
  STEP_FAILED: 'STEP_FAILED',
  CONTEXT_FILE_NOT_FOUND: 'STEP_FAILED',
  BASE_NOT_FOUND: 'BASE_NOT_FOUND',
  BASE_ACCESS_DENIED: 'ACCESS_DENIED',
  BASE_NOT_PINNED: 'DOCKERFILE_INVALID',
  FEATURE_UNSUPPORTED: 'FEATURE_MISSING',
  BUILD_FAILED: 'STEP_FAILED',
};
