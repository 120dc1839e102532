import { describe, expect, it } from 'vitest';
import { parseRetryAfter, waitAfter, waitsMs } from './retries.js';

const hours = (ms: number): number => ms / 3_600_000;

describe('a delivery that failed', () => {
  it('is tried ten times in about 75 hours, and not again', () => {
    expect(waitsMs).toHaveLength(9);
    expect(hours(waitsMs.reduce((sum, wait) => sum + wait, 0))).toBeCloseTo(75.6, 1);
    expect(waitAfter(1, null, 0)).toBe(5000);
    expect(hours(waitAfter(9, null, 0)!)).toBe(24);
    expect(waitAfter(10, null, 0)).toBeUndefined();
  });

  it('waits up to a tenth longer, so that endpoints that failed together are not asked together', () => {
    expect(waitAfter(1, null, 1)).toBe(5500);
  });

  it('waits as long as the endpoint asks, if that is longer, up to a day', () => {
    expect(waitAfter(1, 60_000, 0)).toBe(60_000);
    expect(waitAfter(2, 60_000, 0)).toBe(300_000);
    expect(hours(waitAfter(1, Number.MAX_SAFE_INTEGER, 0)!)).toBe(24);
    expect(waitAfter(10, 60_000, 0)).toBeUndefined();
  });

  it('reads Retry-After as seconds and as a date', () => {
    const now = new Date('2026-01-01T00:00:00Z');
    expect(parseRetryAfter('120', now)).toBe(120_000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
    expect(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
    expect(parseRetryAfter('soon', now)).toBeNull();
    expect(parseRetryAfter(undefined, now)).toBeNull();
  });
});
