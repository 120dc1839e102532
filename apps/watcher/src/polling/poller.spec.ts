import { describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { FakeClock } from '#libs/testing';
import { Poller } from './poller.js';

const interval = 10_000;

/** A looker that notes when it was asked, and answers at once unless a registry is slow. */
class NotingLooker {
  readonly records = new Map<string, { nextLookAt: number | null }>();
  readonly looks: { reference: string; at: number }[] = [];
  private readonly active = new Map<string, number>();
  most = 0;
  readonly slow = new Set<string>();
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly clock: FakeClock) {}

  record(reference: string) {
    const record = this.records.get(reference) ?? { nextLookAt: null };
    this.records.set(reference, record);
    return record;
  }

  async look(reference: string): Promise<void> {
    this.looks.push({ reference, at: this.clock.now().getTime() });
    const host = reference.split('/')[0]!;
    const active = (this.active.get(host) ?? 0) + 1;
    this.active.set(host, active);
    this.most = Math.max(this.most, active);
    if (this.slow.has(host)) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.active.set(host, this.active.get(host)! - 1);
    if (reference.includes('broken')) throw new Error('503');
  }

  answer(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  of(reference: string): number[] {
    return this.looks.filter((look) => look.reference === reference).map(({ at }) => at);
  }
}

const poller = (random = () => 0.5) => {
  const clock = new FakeClock();
  const looker = new NotingLooker(clock);
  const intervals = new Map<string, number>();
  const polling = new Poller({
    looker: looker as never,
    intervalOf: (host) => intervals.get(host) ?? interval,
    clock,
    logger: silentLogger,
    random,
  });
  polling.start();
  return { clock, looker, polling, intervals };
};

const at = (name: string, host = 'a.test') => `${host}/${name}:1`;

describe('polling', () => {
  it('looks at each reference once an interval, with a tenth of jitter', async () => {
    let seed = 1;
    const { clock, looker, polling } = poller(() => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647);
    polling.add(at('x'));
    await clock.advance(12 * interval);
    const times = looker.of(at('x'));
    expect(times.length).toBeGreaterThanOrEqual(10);
    for (const [index, time] of times.slice(1).entries()) {
      const gap = time - times[index]!;
      expect(gap).toBeGreaterThanOrEqual(0.9 * interval);
      expect(gap).toBeLessThanOrEqual(1.1 * interval + 100);
    }
  });

  it('says when the next look comes, and forgets what is watched no more', async () => {
    const { clock, looker, polling } = poller();
    polling.add(at('x'));
    expect(looker.record(at('x')).nextLookAt).toBe(clock.now().getTime() + interval);
    polling.remove(at('x'));
    expect(looker.records.has(at('x'))).toBe(false);
    await clock.advance(3 * interval);
    expect(looker.looks).toEqual([]);
  });

  it('spreads the first looks after a restart over the whole interval', async () => {
    let next = 0;
    const { clock, looker, polling } = poller(() => (next = (next + 0.01) % 1));
    const start = clock.now().getTime();
    for (let index = 0; index < 100; index += 1) polling.add(at(`x${index}`), true);
    await clock.advance(interval);
    const tenths = new Map<number, number>();
    for (const look of looker.looks) {
      const tenth = Math.min(9, Math.floor((look.at - start) / (interval / 10)));
      tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1);
    }
    expect(tenths.size).toBe(10);
    for (const looks of tenths.values()) expect(looks).toBeLessThanOrEqual(20);
  });

  it('asks one registry only so much at once, and a slow one delays no other', async () => {
    const { clock, looker, polling } = poller();
    looker.slow.add('slow.test');
    for (let index = 0; index < 20; index += 1) polling.add(at(`x${index}`, 'slow.test'));
    polling.add(at('y', 'fast.test'));
    await clock.advance(3 * interval + 1_000);
    expect(looker.of(at('y', 'fast.test')).length).toBeGreaterThanOrEqual(2);
    expect(looker.looks.filter(({ reference }) => reference.startsWith('slow'))).toHaveLength(4);
    expect(looker.most).toBe(4);
    looker.slow.clear();
    looker.answer();
    await clock.advance(interval);
    expect(new Set(looker.looks.map(({ reference }) => reference)).size).toBe(21);
  });

  it('comes round to every reference, also where a registry is too slow for its interval', async () => {
    const { clock, looker, polling } = poller();
    looker.slow.add('slow.test');
    const references = Array.from({ length: 20 }, (_, index) => at(`x${index}`, 'slow.test'));
    for (const reference of references) polling.add(reference);
    for (let round = 0; round < 6; round += 1) {
      await clock.advance(interval);
      looker.answer();
    }
    expect(new Set(looker.looks.map(({ reference }) => reference))).toEqual(new Set(references));
  });

  it('goes on after a look that failed', async () => {
    const { clock, looker, polling } = poller();
    polling.add(at('broken'));
    await clock.advance(5 * interval);
    expect(looker.of(at('broken')).length).toBeGreaterThanOrEqual(4);
  });

  it('follows a changed interval at once', async () => {
    const { clock, looker, polling, intervals } = poller();
    intervals.set('a.test', 86_400_000);
    polling.add(at('x'));
    intervals.set('a.test', 1_000);
    polling.reschedule('a.test');
    await clock.advance(5_000);
    expect(looker.of(at('x')).length).toBeGreaterThanOrEqual(4);
  });

  it('ends when it is told to', async () => {
    const { clock, looker, polling } = poller();
    polling.add(at('x'));
    polling.stop();
    await clock.advance(5 * interval);
    expect(looker.looks).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
