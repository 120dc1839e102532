import { describe, expect, it } from 'vitest';
import { silentLogger } from '#libs/event-log';
import { RegistryError } from '#libs/oci';
import { FakeClock } from '#libs/testing';
import { Poller } from './poller.js';
import type { PollSettings } from './settings.js';
import { seeded } from './testing/simulation.js';

const every = (ms: number): PollSettings => ({
  pacing: { kind: 'Interval', fromMs: 0.9 * ms, toMs: 1.1 * ms },
  limits: { requestsPerSecond: 1_000, concurrency: 4 },
});
const byBudget = (requestsPerSecond: number): PollSettings => ({
  pacing: { kind: 'Budget', atLeastMs: 1_000 },
  limits: { requestsPerSecond, concurrency: 4 },
});
const hostOf = (reference: string) => reference.split('/')[0]!;
const at = (name: string, host = 'a.test') => `${host}/${name}:1`;

/** Notes each look; answers at once, or when the test says so, or with an error. */
class NotingLooker {
  readonly looks: { reference: string; at: number }[] = [];
  readonly slow = new Set<string>();
  readonly failing = new Map<string, () => Error>();
  private readonly active = new Map<string, number>();
  most = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly clock: FakeClock) {}

  async look(reference: string): Promise<void> {
    this.looks.push({ reference, at: this.clock.now().getTime() });
    const host = hostOf(reference);
    this.active.set(host, (this.active.get(host) ?? 0) + 1);
    this.most = Math.max(this.most, this.active.get(host)!);
    if (this.slow.has(host)) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.active.set(host, this.active.get(host)! - 1);
    const failure = this.failing.get(host) ?? this.failing.get(reference);
    if (failure) throw failure();
  }

  answer(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  of(match: string): number[] {
    return this.looks.filter(({ reference }) => reference.startsWith(match)).map((look) => look.at);
  }
}

const start = (usual: PollSettings) => {
  const clock = new FakeClock();
  const looker = new NotingLooker(clock);
  const settings = new Map<string, PollSettings>();
  const mirrors = new Map<string, string>();
  const poller = new Poller({
    looker,
    hostOf: (reference) => mirrors.get(hostOf(reference)) ?? hostOf(reference),
    settingsOf: (host) => settings.get(host) ?? usual,
    factsOf: (reference) => ({
      repository: reference.split(':')[0]!,
      dependants: 1,
      since: clock.now().getTime(),
      moves: [],
      lastLookAt: null,
    }),
    clock,
    logger: silentLogger,
    random: seeded(1),
  });
  poller.start();
  return { clock, looker, poller, settings, mirrors };
};

describe('polling', () => {
  it('looks at each reference once an interval, with a tenth of jitter', async () => {
    const { clock, looker, poller } = start(every(10_000));
    poller.add(at('x'));
    await clock.advance(120_000);
    const times = looker.of(at('x'));
    expect(times.length).toBeGreaterThanOrEqual(10);
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - times[index]!).toBeGreaterThanOrEqual(9_000);
      expect(time - times[index]!).toBeLessThanOrEqual(11_001);
    }
  });

  it('uses the whole budget of a registry and no more', async () => {
    const { clock, looker, poller } = start(byBudget(2));
    for (let index = 0; index < 50; index += 1) poller.add(at(`x${index}`));
    await clock.advance(100_000);
    expect(looker.looks.length).toBeGreaterThanOrEqual(199);
    expect(looker.looks.length).toBeLessThanOrEqual(201);
    expect(new Set(looker.looks.map(({ reference }) => reference)).size).toBe(50);
  });

  it('says when the next look comes, and forgets what is watched no more', async () => {
    const { clock, looker, poller } = start(every(10_000));
    poller.add(at('x'));
    const next = poller.nextLookAt(at('x'))!;
    await clock.advance(next - clock.now().getTime());
    expect(looker.of(at('x'))).toEqual([next]);
    poller.remove(at('x'));
    expect(poller.nextLookAt(at('x'))).toBeNull();
    await clock.advance(60_000);
    expect(looker.looks).toHaveLength(1);
  });

  it('asks one registry only so much at once, and a slow one delays no other', async () => {
    const { clock, looker, poller } = start(byBudget(100));
    looker.slow.add('slow.test');
    for (let index = 0; index < 20; index += 1) poller.add(at(`x${index}`, 'slow.test'));
    for (let index = 0; index < 10; index += 1) poller.add(at(`y${index}`, 'fast.test'));
    await clock.advance(10_000);
    expect(looker.of('slow.test')).toHaveLength(4);
    // Ten tags at most once a second each.
    expect(looker.of('fast.test').length).toBeGreaterThanOrEqual(90);
    expect(looker.most).toBe(4);
    looker.slow.clear();
    looker.answer();
    await clock.advance(2_000);
    expect(new Set(looker.looks.map(({ reference }) => reference)).size).toBe(30);
  });

  it('waits as long as a registry says that limits, in its own words, and asks the others meanwhile', async () => {
    const { clock, looker, poller } = start(byBudget(2));
    const limited = () =>
      new RegistryError('RATE_LIMITED', 'toomanyrequests: slow down', { registry: 'l.test', retryAfterMs: 60_000 });
    looker.failing.set('l.test', limited);
    poller.add(at('x', 'l.test'));
    poller.add(at('y'));
    await clock.advance(0);
    await clock.advance(59_000);
    expect(looker.of('l.test')).toHaveLength(1);
    expect(looker.of('a.test').length).toBeGreaterThanOrEqual(55);
    expect(poller.view('l.test')).toMatchObject({ allowed: 1, lastError: { message: 'toomanyrequests: slow down' } });
    looker.failing.clear();
    await clock.advance(10_000);
    expect(looker.of('l.test').length).toBeGreaterThan(2);
    expect(poller.view('l.test').pausedUntil).toBeNull();
  });

  it('leaves a registry alone that fails, and goes on where one reference alone is denied', async () => {
    const { clock, looker, poller } = start(byBudget(10));
    looker.failing.set('down.test', () => new RegistryError('UNAVAILABLE', 'no connection', { registry: 'down.test' }));
    looker.failing.set(at('denied'), () => new RegistryError('DENIED', 'denied: not yours', { registry: 'a.test' }));
    for (const name of ['x', 'y', 'denied']) for (const host of ['a.test', 'down.test']) poller.add(at(name, host));
    await clock.advance(60_000);
    expect(looker.of('down.test').length).toBeLessThan(15);
    expect(looker.of(at('x')).length).toBeGreaterThanOrEqual(55);
    expect(poller.view('a.test')).toMatchObject({ failures: 0, lastError: { message: 'denied: not yours' } });
  });

  it('looks at sister tags at once when one moved', async () => {
    const { clock, looker, poller } = start({ ...byBudget(1), pacing: { kind: 'Interval', fromMs: 1e7, toMs: 1e7 } });
    const sisters = [1, 2, 3].map((tag) => `a.test/node:${tag}`);
    for (const reference of sisters) poller.add(reference);
    await clock.advance(1);
    looker.looks.length = 0;
    poller.moved(sisters[0]!);
    await clock.advance(5_000);
    expect(new Set(looker.looks.map(({ reference }) => reference))).toEqual(new Set(sisters.slice(1)));
  });

  it('follows changed settings at once, also where tags are followed at a mirror', async () => {
    const { clock, looker, poller, settings, mirrors } = start(every(86_400_000));
    poller.add(at('x'));
    settings.set('a.test', every(1_000));
    poller.reschedule('a.test');
    await clock.advance(5_000);
    expect(looker.of(at('x')).length).toBeGreaterThanOrEqual(4);
    mirrors.set('a.test', 'mirror.test');
    poller.reschedule('mirror.test');
    expect([poller.view('a.test').tags, poller.view('mirror.test').tags]).toEqual([0, 1]);
  });

  it('ends when it is told to', async () => {
    const { clock, looker, poller } = start(every(10_000));
    poller.add(at('x'));
    poller.stop();
    await clock.advance(50_000);
    expect(looker.looks).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
