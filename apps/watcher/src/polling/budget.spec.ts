import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget, type Outcome } from './budget.js';

const answered: Outcome = { kind: 'Answered' };
const failed: Outcome = { kind: 'Failed', message: 'no connection' };
const limited = (retryAfterMs?: number): Outcome => ({ kind: 'Limited', retryAfterMs, message: 'slow down' });

/** One look after the other, as soon as each may begin. */
const look = (budget: Budget, from: number, outcome: Outcome = answered): number => {
  const at = Math.max(from, budget.nextAt());
  budget.begin(at);
  budget.requested({ method: 'HEAD', ms: 5 }, at);
  budget.end(outcome, at);
  return at;
};

describe('the budget of a registry', () => {
  it('is never exceeded in any window, whatever registry and looks do', () => {
    const step = fc.record({
      wait: fc.nat(3_000),
      takes: fc.nat(2_000),
      outcome: fc.constantFrom(answered, answered, answered, failed, limited(), limited(700)),
      pulls: fc.nat(2),
    });
    const limits = fc.record({
      requestsPerSecond: fc.double({ min: 0.1, max: 2_000, noNaN: true }),
      concurrency: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(
        limits,
        fc.array(step, { minLength: 1, maxLength: 60 }),
        ({ requestsPerSecond, concurrency }, steps) => {
          const budget = new Budget({ requestsPerSecond, concurrency }, () => 0.5);
          const times: number[] = [];
          const under: { until: number; outcome: Outcome; pulls: number }[] = [];
          let now = 1_000_000;
          for (const { wait, takes, outcome, pulls } of steps) {
            now += wait;
            for (const one of under.filter(({ until }) => until <= now)) {
              under.splice(under.indexOf(one), 1);
              budget.end(one.outcome, now);
            }
            while (budget.nextAt() <= now && times.length < 3_000) {
              budget.begin(now);
              times.push(now);
              under.push({ until: now + takes, outcome, pulls });
              expect(under.length).toBeLessThanOrEqual(concurrency);
            }
          }
          const burst = Math.max(1, requestsPerSecond * 0.02);
          for (let from = 0; from < times.length; from += 1) {
            for (let to = from; to < times.length; to += 1) {
              const seconds = (times[to]! - times[from]!) / 1000;
              expect(to - from + 1).toBeLessThanOrEqual(requestsPerSecond * seconds + burst + 1e-6);
            }
          }
        },
      ),
    );
  });

  it('pays for requests that no look has paid: what a person asked, and the manifest of what is new', () => {
    const budget = new Budget({ requestsPerSecond: 1, concurrency: 4 });
    budget.begin(1_000);
    budget.requested({ method: 'HEAD', ms: 5 }, 1_000);
    expect(budget.nextAt()).toBe(2_000);
    budget.requested({ method: 'GET', ms: 5 }, 1_000);
    budget.requested({ method: 'HEAD', ms: 5 }, 1_000);
    expect(budget.nextAt()).toBe(4_000);
  });

  it('waits as long as Retry-After says, is half as fast then, and whole again after five minutes', () => {
    const budget = new Budget({ requestsPerSecond: 8, concurrency: 4 });
    const at = look(budget, 1_000, limited(30_000));
    expect(budget.nextAt()).toBe(at + 30_000);
    expect(budget.view(at).allowed).toBe(4);
    expect(budget.view(at).lastError).toEqual({ message: 'slow down', at });
    expect(budget.view(at + 105_000).allowed).toBe(6);
    expect(budget.view(at + 600_000).allowed).toBe(8);
  });

  it('takes looks that were under way when it was limited for one refusal', () => {
    const budget = new Budget({ requestsPerSecond: 1000, concurrency: 4 });
    for (let index = 0; index < 4; index += 1) budget.begin(1_000);
    for (let index = 0; index < 4; index += 1) budget.end(limited(5_000), 1_010);
    expect(budget.view(1_010)).toMatchObject({ allowed: 500, failures: 1 });
  });

  it('leaves a registry alone that fails three times, longer each time, and tries it by one look', () => {
    const budget = new Budget({ requestsPerSecond: 1000, concurrency: 4 }, () => 1);
    let at = 1_000;
    const pauses: number[] = [];
    for (let times = 0; times < 12; times += 1) {
      at = look(budget, at, failed);
      pauses.push(Math.max(0, Math.round((budget.nextAt() - at) / 1000)));
    }
    expect(pauses).toEqual([0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    at = budget.nextAt();
    budget.begin(at);
    expect(budget.nextAt()).toBe(Infinity);
    budget.end(answered, at);
    expect(budget.nextAt()).toBeLessThanOrEqual(at + 1);
    expect(budget.view(at).failures).toBe(0);
  });

  it('asks less at once while answers take much longer than they did', () => {
    const budget = new Budget({ requestsPerSecond: 1000, concurrency: 4 });
    const atOnce = (now: number) => {
      let begun = 0;
      for (; budget.nextAt() !== Infinity; begun += 1) budget.begin(now);
      for (let index = 0; index < begun; index += 1) budget.end(answered, now);
      return begun;
    };
    const answers = (ms: number) => {
      for (let index = 0; index < 60; index += 1) budget.requested({ method: 'HEAD', ms }, index);
    };
    answers(5);
    expect(atOnce(1e6)).toBe(4);
    answers(2_000);
    expect(atOnce(2e6)).toBe(1);
    answers(5);
    expect(atOnce(3e6)).toBe(4);
  });

  describe('where the registry tells its quota', () => {
    const heads = (budget: Budget, count: number, from: number, fallsBy: number, start = 100) => {
      for (let index = 0; index < count; index += 1) {
        const remaining = Math.round(start - index * fallsBy);
        budget.requested(
          { method: 'HEAD', ms: 5, quota: { limit: 100, remaining, windowSeconds: 21_600 } },
          from + index,
        );
      }
    };

    it('goes on as before while looks cost nothing', () => {
      const budget = new Budget({ requestsPerSecond: 5, concurrency: 4 });
      heads(budget, 60, 1_000, 0);
      expect(budget.view(2_000)).toMatchObject({ looksCount: false, allowed: 5, quota: { remaining: 100 } });
    });

    it('is asked as slowly as half of what is left allows when looks cost, until the window is over', () => {
      const budget = new Budget({ requestsPerSecond: 5, concurrency: 4 });
      heads(budget, 25, 1_000, 1);
      const { looksCount, allowed } = budget.view(2_000);
      expect(looksCount).toBe(true);
      expect(allowed).toBeCloseTo(38 / 21_600, 5);
      expect(budget.view(21_700_000)).toMatchObject({ looksCount: false, allowed: 5 });
    });

    it('does not blame looks for what others pull, nor for our own pulls', () => {
      const others = new Budget({ requestsPerSecond: 5, concurrency: 4 });
      heads(others, 60, 1_000, 0.3);
      expect(others.view(2_000).looksCount).toBe(false);
      const ours = new Budget({ requestsPerSecond: 5, concurrency: 4 });
      for (let index = 0; index < 60; index += 1) {
        const quota = { remaining: 100 - index, windowSeconds: 21_600 };
        ours.requested({ method: 'GET', ms: 5 }, 1_000 + index);
        ours.requested({ method: 'HEAD', ms: 5, quota }, 1_000 + index);
      }
      expect(ours.view(2_000).looksCount).toBe(false);
    });
  });
});
