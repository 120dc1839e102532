import type { Clock } from '#libs/event-log';

/** The wall clock and its timers, and a clock that is never set back: leases are measured with that one. */
export interface BuilderClock extends Clock {
  /** Milliseconds since some moment; only differences mean anything. */
  monotonic(): number;
}

export const withMonotonic = (clock: Clock, monotonic: () => number = () => performance.now()): BuilderClock => ({
  now: () => clock.now(),
  setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
  monotonic,
});
