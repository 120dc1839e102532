import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Plan, type TagFacts } from './plan.js';
import type { Pacing } from './settings.js';
import { seeded } from './testing/simulation.js';

const budget: Pacing = { kind: 'Budget', atLeastMs: 0 };
const facts = (more: Partial<TagFacts> = {}): TagFacts => ({
  repository: 'r.test/a',
  dependants: 1,
  since: 0,
  moves: [],
  lastLookAt: null,
  ...more,
});
/** Takes so many looks, one each `everyMs`. */
const run = (plan: Plan, looks: number, everyMs = 1000, from = 0) => {
  const taken: { reference: string; at: number }[] = [];
  for (let look = 0; look < looks; look += 1) {
    const at = from + look * everyMs;
    const reference = plan.take(at);
    if (reference !== undefined) taken.push({ reference, at });
  }
  return taken;
};
const counts = (taken: readonly { reference: string }[]) => {
  const by = new Map<string, number>();
  for (const { reference } of taken) by.set(reference, (by.get(reference) ?? 0) + 1);
  return by;
};

describe('a plan by budget', () => {
  it('looks in proportion to the root of dependants', () => {
    const plan = new Plan(budget, seeded(1));
    plan.add('many', facts({ dependants: 16, repository: 'm' }), 0);
    plan.add('few', facts({ dependants: 1, repository: 'f' }), 0);
    const by = counts(run(plan, 5_000, 1));
    expect(by.get('many')! / by.get('few')!).toBeCloseTo(4, 1);
  });

  it('looks in proportion to the root of how often a tag moves', () => {
    const day = 86_400_000;
    const plan = new Plan(budget, seeded(1));
    // (½ + 40) / 100 days beside (½ + 2) / 100 days: 16.2 times as often.
    const moves = (count: number) => Array.from({ length: count }, (_, index) => (index + 1) * 2 * day);
    plan.add('lively', facts({ moves: moves(40), repository: 'l' }), 90 * day);
    plan.add('quiet', facts({ moves: moves(2), repository: 'q' }), 90 * day);
    const by = counts(run(plan, 5_000, 1, 90 * day));
    const ratio = by.get('lively')! / by.get('quiet')!;
    expect(ratio).toBeGreaterThan(3.5);
    expect(ratio).toBeLessThan(4.5);
  });

  it('comes to every tag within the floor, whatever the shares', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        (all, seed) => {
          const plan = new Plan(budget, seeded(seed));
          for (const [index, dependants] of all.entries()) {
            plan.add(`t${index}`, facts({ dependants, repository: `r${index}` }), 0);
          }
          const { length } = all;
          // A fifth of an equal share; what the floor adds to all shares, jitter, and one look of each before it.
          const floor = Math.ceil(5 * 1.1 * 1.2 * length) + length;
          const last = new Map(all.map((_, index) => [`t${index}`, 0]));
          for (const { reference, at } of run(plan, floor * 4)) {
            expect(at / 1000 - last.get(reference)!).toBeLessThanOrEqual(floor);
            last.set(reference, at / 1000);
          }
          for (const at of last.values()) expect(floor * 4 - at).toBeLessThanOrEqual(floor + 1);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('uses the whole budget, and looks at no tag more often than it may', () => {
    const plan = new Plan({ kind: 'Budget', atLeastMs: 10_000 }, seeded(3));
    for (let index = 0; index < 5; index += 1) plan.add(`t${index}`, facts({ dependants: 4 ** index }), 0);
    const taken = run(plan, 1_000);
    expect(taken.length).toBeGreaterThanOrEqual(495);
    const last = new Map<string, number>();
    for (const { reference, at } of taken) {
      expect(at - (last.get(reference) ?? -Infinity)).toBeGreaterThanOrEqual(10_000);
      last.set(reference, at);
    }
  });

  it('looks at the sisters of a tag that moved before all others, and once more a minute later', () => {
    const plan = new Plan(budget, seeded(4));
    for (let index = 0; index < 10; index += 1) plan.add(`sister${index}`, facts(), 0);
    for (let index = 0; index < 1_000; index += 1) plan.add(`other${index}`, facts({ repository: `o${index}` }), 0);
    plan.moved('sister0', 1_000);
    const sisters = (from: number) =>
      new Set(run(plan, 13, 1, from).flatMap(({ reference }) => (reference.startsWith('sister') ? [reference] : [])));
    // At most four urgent looks in a row: nine sisters take eleven looks.
    expect(sisters(2_000).size).toBeGreaterThanOrEqual(9);
    expect(sisters(30_000).size).toBeLessThan(3);
    expect(sisters(61_001).size).toBe(10);
  });

  it('looks next at a tag that is said to have moved, and once', () => {
    const plan = new Plan(budget, seeded(7));
    for (let index = 0; index < 100; index += 1) plan.add(`t${index}`, facts({ repository: `r${index}` }), 0);
    plan.take(1_000);
    plan.urge('t42');
    plan.urge('t42');
    plan.urge('nobody');
    expect(plan.take(1_001)).toBe('t42');
    expect(run(plan, 50, 1, 1_002).map(({ reference }) => reference)).not.toContain('t42');
  });

  it('lets no storm of moves starve what is quiet', () => {
    const plan = new Plan(budget, seeded(5));
    for (let index = 0; index < 50; index += 1) plan.add(`storm${index}`, facts({ repository: `s${index % 2}` }), 0);
    for (let index = 0; index < 10; index += 1) plan.add(`quiet${index}`, facts({ repository: `q${index}` }), 0);
    const seen = new Set<string>();
    for (let look = 0; look < 3_000; look += 1) {
      const reference = plan.take(look * 1000);
      if (reference?.startsWith('storm')) plan.moved(reference, look * 1000);
      else if (reference !== undefined) seen.add(reference);
    }
    expect(seen.size).toBe(10);
  });

  it('gives a new share to a tag whose dependants change', () => {
    const plan = new Plan(budget, seeded(6));
    plan.add('a', facts({ repository: 'a' }), 0);
    plan.add('b', facts({ repository: 'b' }), 0);
    plan.setDependants('a', 9, 0);
    const by = counts(run(plan, 4_000, 1));
    expect(by.get('a')! / by.get('b')!).toBeCloseTo(3, 0);
  });

  it('forgets what is removed, wherever it waits', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.nat(9), { maxLength: 30 }), (seed, steps) => {
        const plan = new Plan({ kind: 'Budget', atLeastMs: 2_000 }, seeded(seed));
        for (let index = 0; index < 10; index += 1) plan.add(`t${index}`, facts(), 0);
        for (const [at, step] of steps.entries()) {
          if (step % 3 === 0) plan.moved(`t${step}`, at * 1000);
          plan.take(at * 1000);
        }
        for (let index = 0; index < 10; index += 1) plan.remove(`t${index}`);
        expect([plan.size, plan.nextAt(), plan.take(1e9)]).toEqual([0, Infinity, undefined]);
      }),
    );
  });
});

describe('a plan by interval', () => {
  const pacing: Pacing = { kind: 'Interval', fromMs: 600_000, toMs: 3_600_000 };

  it('looks after a random time between the two', () => {
    const plan = new Plan(pacing, seeded(1));
    plan.add('a', facts({ lastLookAt: 0 }), 0);
    expect(plan.take(0)).toBeUndefined();
    let before = 0;
    for (let round = 0; round < 200; round += 1) {
      const at = plan.nextAt();
      expect(plan.take(at - 1)).toBeUndefined();
      expect(plan.take(at)).toBe('a');
      expect(at - before).toBeGreaterThanOrEqual(600_000);
      expect(at - before).toBeLessThanOrEqual(3_600_000);
      before = at;
    }
  });

  it('goes on after a restart where it was, and spreads what is overdue over a whole interval', () => {
    const fixed: Pacing = { kind: 'Interval', fromMs: 900_000, toMs: 900_000 };
    const plan = new Plan(fixed, seeded(2));
    const now = 10_000_000;
    plan.add('looked', facts({ lastLookAt: now - 300_000 }), now);
    expect(plan.take(now)).toBeUndefined();
    expect(plan.nextAt()).toBe(now + 600_000);
    plan.remove('looked');
    for (let index = 0; index < 1_000; index += 1) plan.add(`t${index}`, facts({ lastLookAt: 0 }), now);
    expect(plan.take(now)).toBeUndefined();
    for (let tenth = 1; tenth <= 10; tenth += 1) {
      let taken = 0;
      while (plan.take(now + tenth * 90_000) !== undefined) taken += 1;
      expect(taken).toBeGreaterThan(60);
      expect(taken).toBeLessThan(140);
    }
  });

  it('begins the interval anew when a tag was looked at for another reason', () => {
    const plan = new Plan(pacing, () => 0);
    plan.add('a', facts({ lastLookAt: 0 }), 0);
    plan.looked('a', 500_000);
    expect(plan.nextAt()).toBe(1_100_000);
  });
});
