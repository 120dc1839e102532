import { describe, expect, it } from 'vitest';
import { ChangeRate } from './change-rate.js';
import { seeded } from './testing/simulation.js';

const dayMs = 86_400_000;

describe('how often a tag moves', () => {
  it('is once in 20 days as long as nothing is known', () => {
    expect(new ChangeRate(0).perDay(0)).toBeCloseTo(1 / 20);
  });

  it('falls while a tag is quiet, and is never nothing', () => {
    const rate = new ChangeRate(0);
    expect(rate.perDay(90 * dayMs)).toBeLessThan(1 / 100);
    expect(rate.perDay(5_000 * dayMs)).toBeGreaterThan(0);
  });

  it.each([1, 1 / 7, 1 / 30])('comes close to %d a day after a year of such moves', (perDay) => {
    const random = seeded(7);
    const errors = Array.from({ length: 50 }, () => {
      const moves: number[] = [];
      for (let at = 0; at < 365 * dayMs;) {
        at += (-Math.log(1 - random()) / perDay) * dayMs;
        moves.push(at);
      }
      return ChangeRate.of(0, moves.slice(0, -1)).perDay(365 * dayMs) / perDay;
    });
    const mean = errors.reduce((sum, one) => sum + one, 0) / errors.length;
    expect(mean).toBeGreaterThan(0.85);
    expect(mean).toBeLessThan(1.15);
  });

  it('follows a publisher who changes habits', () => {
    const daily = Array.from({ length: 200 }, (_, day) => (day + 1) * dayMs);
    const rate = ChangeRate.of(0, daily);
    expect(rate.perDay(200 * dayMs)).toBeGreaterThan(0.9);
    expect(rate.perDay(1_000 * dayMs)).toBeLessThan(0.1);
  });

  it('is the same from what is read back as from what was seen', () => {
    const seen = new ChangeRate(0);
    for (const day of [3, 9, 40]) seen.moved(day * dayMs);
    expect(
      ChangeRate.of(
        0,
        [40, 3, 9].map((day) => day * dayMs),
      ).perDay(50 * dayMs),
    ).toBeCloseTo(seen.perDay(50 * dayMs));
  });
});
