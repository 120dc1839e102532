import { describe, expect, it } from 'vitest';
import { parseRateLimit, parseRetryAfter } from './rate-limit.js';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('parseRetryAfter', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['1.5', 1500],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-5 apples', undefined],
    ['', undefined],
  ])('reads %j as %s ms', (value, ms) => {
    expect(parseRetryAfter({ 'retry-after': value }, now)).toBe(ms);
  });
});

describe('parseRateLimit', () => {
  it.each([
    [
      { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' },
      { limit: 100, remaining: 76, windowSeconds: 21600 },
    ],
    [{ 'ratelimit-remaining': '5' }, { remaining: 5 }],
    [{ 'ratelimit-limit': 'unlimited' }, undefined],
    [{}, undefined],
  ])('reads %j', (headers, expected) => {
    expect(parseRateLimit(headers)).toEqual(expected);
  });
});
