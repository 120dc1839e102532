import { exitCodes } from '#libs/contracts/light';
import { CliError, Interrupted } from '../errors.js';
import type { Session } from '../session.js';

export interface UntilOptions {
  /** How long to wait, in milliseconds; for ever unless said. */
  readonly timeoutMs?: number | undefined;
  /** What is waited for, in words: `run c4f2`. */
  readonly what: string;
  /** What is said when the time is over. */
  readonly late?: string;
  /** Command that goes on with it. */
  readonly goOn: string | (() => string);
}

/**
 * Runs a follow or a wait. Ctrl-C and the end of the time end the following alone: what is followed goes on.
 *
 * @throws Interrupted after Ctrl-C, CliError with exit code 124 when the time is over
 */
export const until = async <T>(
  { io }: Session,
  { timeoutMs, what, late = `${what} has not ended in the time given; it goes on.`, goOn }: UntilOptions,
  work: (signal: AbortSignal) => Promise<T | undefined>,
): Promise<T> => {
  const time = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signal = time ? AbortSignal.any([io.interrupted, time]) : io.interrupted;
  let result: T | undefined;
  try {
    result = await work(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const next = typeof goOn === 'string' ? goOn : goOn();
  if (io.interrupted.aborted)
    throw new Interrupted(`Stopped following ${what}; nothing else was ended. To go on: ${next}`);
  if (result !== undefined) return result;
  throw new CliError(late, exitCodes.timeout, next);
};
