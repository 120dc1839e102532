/** What a registry says of its budget, from RateLimit-* headers; Docker Hub sends `100;w=21600` on HEAD and GET. */
export interface RateLimit {
  readonly limit?: number;
  readonly remaining?: number;
  /** The window to which limit and remaining belong. */
  readonly windowSeconds?: number;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Reads `ratelimit-limit` and `ratelimit-remaining`; undefined when the registry sends neither. */
export function parseRateLimit(headers: Headers): RateLimit | undefined {
  const limit = quota(header(headers, 'ratelimit-limit'));
  const remaining = quota(header(headers, 'ratelimit-remaining'));
  if (!limit && !remaining) return undefined;
  const windowSeconds = remaining?.windowSeconds ?? limit?.windowSeconds;
  return {
    ...(limit && { limit: limit.count }),
    ...(remaining && { remaining: remaining.count }),
    ...(windowSeconds !== undefined && { windowSeconds }),
  };
}

/**
 * Milliseconds from now that Retry-After asks for: seconds or an HTTP date (RFC 9110 §10.2.3). undefined when absent or
 * unreadable, 0 when the date has passed.
 */
export function parseRetryAfter(headers: Headers, nowMs: number): number | undefined {
  const value = header(headers, 'retry-after')?.trim();
  if (!value) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function quota(value: string | undefined): { count: number; windowSeconds?: number } | undefined {
  const match = /^\s*(\d+)(?:\s*;.*?\bw=(\d+))?/.exec(value ?? '');
  if (!match) return undefined;
  return { count: Number(match[1]), ...(match[2] !== undefined && { windowSeconds: Number(match[2]) }) };
}

function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
