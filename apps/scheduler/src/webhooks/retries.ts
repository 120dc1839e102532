const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waits after a try that failed (Standard Webhooks): ten tries in about 75 hours. */
export const waitsMs: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];
const longestMs = 24 * hour;

/**
 * How long to wait after so many tries that failed, in milliseconds; undefined when that was the last one. What the
 * endpoint asks for counts when it is longer, up to a day.
 *
 * @param random from 0 to 1: up to a tenth is added, so that endpoints that failed together are not asked together
 */
export const waitAfter = (attempts: number, retryAfterMs: number | null, random: number): number | undefined => {
  const planned = waitsMs[attempts - 1];
  if (planned === undefined) return undefined;
  return Math.round(Math.max(planned, Math.min(retryAfterMs ?? 0, longestMs)) * (1 + random / 10));
};

/** RFC 9110 §10.2.3: seconds, or a date; null for neither. */
export const parseRetryAfter = (value: string | undefined, now: Date): number | null => {
  if (value === undefined) return null;
  if (/^[0-9]{1,9}$/.test(value.trim())) return Number(value) * second;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime());
};
