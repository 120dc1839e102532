import { setTimeout as sleep } from 'node:timers/promises';
import { isPlinthError } from '#libs/contracts/light';

export interface RetryOptions {
  /** Tries in all; 6 unless said. */
  readonly attempts?: number;
  /** Wait before the second try in milliseconds, doubled for each further one up to 2 s; 100 unless said. */
  readonly firstDelayMs?: number;
}

/** The server could not be reached, or went away before it answered. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code = 'CONNECTION_FAILED';
}

const mayRepeat = (error: unknown, read: boolean): boolean =>
  // Refused before anything was done: safe for writes too.
  (isPlinthError(error) && error.code === 'PROJECTION_BEHIND') || (read && error instanceof ConnectionError);

/** Wait before try `attempt` (from 1), with jitter so that many clients do not come back at once. */
export const backoffMs = (attempt: number, firstDelayMs = 100, random: () => number = Math.random): number =>
  Math.min(2000, firstDelayMs * 2 ** (attempt - 1)) * (0.5 + random() / 2);

/** Tries again what may be repeated. */
export const retrying = async <T>(
  read: boolean,
  options: RetryOptions & { readonly signal?: AbortSignal | undefined },
  run: () => Promise<T>,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= (options.attempts ?? 6) || !mayRepeat(error, read) || options.signal?.aborted) throw error;
      await sleep(
        backoffMs(attempt, options.firstDelayMs),
        undefined,
        options.signal ? { signal: options.signal } : {},
      );
    }
  }
};
