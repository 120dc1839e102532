import { describe, expect, it } from 'vitest';
import { circuitDelayMs, errorDelayMs, failuresToOpenCircuit } from './failure.js';

const hour = 3_600_000;

describe('a build that fails', () => {
  it('is tried three times before its circuit opens', () => expect(failuresToOpenCircuit).toBe(3));
  it('is then tried after 1, 2, 4, 8, 16 and 32 hours, and daily from there', () => {
    const delays = [3, 4, 5, 6, 7, 8, 9, 10, 100].map((failures) => circuitDelayMs(failures) / hour);
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 24, 24, 24]);
  });
});

describe('an error of ours', () => {
  it('is tried again after a second, doubling up to five minutes', () => {
    const delays = [1, 2, 3, 8, 9, 10, 1_000_000].map((attempt) => errorDelayMs(attempt) / 1000);
    expect(delays).toEqual([1, 2, 4, 128, 256, 300, 300]);
  });
});
