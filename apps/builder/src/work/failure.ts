import type { FailureCode } from '#libs/contracts';

/** The user's build cannot succeed as it is: ends the run Failed, with the reason in words. */
export class BuildFailure extends Error {
  override readonly name = 'BuildFailure';
  constructor(
    readonly code: FailureCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Why an attempt stops before its end, other than by what it found itself. */
export type StopKind =
  /** A person asked for it. */
  | 'canceled'
  /** The task's timeout is over. */
  | 'timed-out'
  /** Another attempt holds the run, or the run ended. */
  | 'attempt-lost'
  /** A later run of the task has started: the tags are its to move. */
  | 'superseded'
  /** The server did not confirm that we are at work: another builder may be handed the run. */
  | 'lease-lost'
  /** This builder is shutting down; another takes the run over at once. */
  | 'shutdown';

export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';
  readonly code = 'ATTEMPT_STOPPED';
  constructor(
    readonly kind: StopKind,
    message: string,
  ) {
    super(message);
  }
}

export const isAttemptStopped = (error: unknown): error is AttemptStopped =>
  error instanceof Error && error.name === 'AttemptStopped';
