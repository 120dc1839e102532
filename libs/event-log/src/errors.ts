import type { AggregateRef } from './log.js';

/** Codes of the errors that the log itself raises; callers compare `code`, not classes. */
export type LogErrorCode =
  | 'EVENT_INVALID'
  | 'EVENT_UNKNOWN'
  | 'EVENT_FROM_THE_FUTURE'
  | 'HEADER_INVALID'
  | 'LOG_GAP'
  | 'POSITION_PURGED'
  | 'POSITION_AHEAD'
  | 'LOG_FULL'
  | 'LOG_UNREACHABLE'
  | 'SERVER_TOO_OLD'
  | 'STREAM_DIFFERS'
  | 'PROJECTION_FAILED'
  | 'SNAPSHOT_INVALID'
  | 'BOOK_INVALID';

/** An error of the log, with what happened, to what, and what to do next. */
export class LogError extends Error {
  override readonly name = 'LogError';
  constructor(
    readonly code: LogErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export const isLogError = (error: unknown, code?: LogErrorCode): error is LogError =>
  error instanceof Error && error.name === 'LogError' && (code === undefined || (error as LogError).code === code);

/** Somebody appended to the aggregate meanwhile. `actual` is the sequence of its last event now (0 for none). */
export class ConcurrencyError extends Error {
  override readonly name = 'ConcurrencyError';
  readonly code = 'CONCURRENCY_CONFLICT';
  constructor(
    readonly aggregate: AggregateRef,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(
      `${aggregate.kind} ${aggregate.id} is at ${actual}, not at ${expected}: it was changed meanwhile. ` +
        'Read its new state and decide again.',
    );
  }
}

export const isConcurrencyError = (error: unknown): error is ConcurrencyError =>
  error instanceof Error && (error as { code?: unknown }).code === 'CONCURRENCY_CONFLICT';

export const positionAhead = (position: number, last: number): LogError =>
  new LogError(
    'POSITION_AHEAD',
    `Position ${position} is after the end of the log (${last}): the log was restored from an older backup. ` +
      'Delete what was projected from the lost events (the .sqlite files of this service) and start again.',
  );

export const positionPurged = (position: number, first: number): LogError =>
  new LogError(
    'POSITION_PURGED',
    `The log begins at ${first}: the events after position ${position} are in closed books. ` +
      'Start from a snapshot at or after that position, or replay the archive first.',
  );
