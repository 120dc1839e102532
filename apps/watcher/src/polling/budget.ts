import type { Limits } from './settings.js';

/** How a look ended, as far as it says something of the registry. */
export type Outcome =
  /** `message` when it answered with an error of this tag alone: denied, not there. */
  | { readonly kind: 'Answered'; readonly message?: string }
  /** 429. */
  | { readonly kind: 'Limited'; readonly retryAfterMs?: number | undefined; readonly message: string }
  /** 5xx, no connection, no answer in time. */
  | { readonly kind: 'Failed'; readonly message: string };

/** What a registry says of its quota, and when it said so. */
export interface Quota {
  readonly limit?: number;
  readonly remaining?: number;
  readonly windowSeconds?: number;
}

/** A request that was made to the registry, by whoever in this process. */
export interface Request {
  readonly method: string;
  /** Milliseconds until its headers. */
  readonly ms: number;
  readonly quota?: Quota | undefined;
}

export interface BudgetView {
  /** Requests per second that are made now at most. */
  readonly allowed: number;
  /** Requests in the last full minute, per second. */
  readonly used: number;
  readonly pausedUntil: number | null;
  readonly quota: (Quota & { readonly at: number }) | null;
  /** Looks spend its pull quota, though they only ask by HEAD. */
  readonly looksCount: boolean;
  /** Failures and refusals one after the other, until now. */
  readonly failures: number;
  readonly lastError: { readonly message: string; readonly at: number } | null;
}

/** A pause without Retry-After: 1 s, doubling to 5 min. */
const firstPauseMs = 1_000;
const longestPauseMs = 300_000;
/** Failures in a row after which a registry is left alone for a while, and then tried by one look. */
const failuresInRow = 3;
/** A rate that was halved is whole again after so long without a refusal. */
const recoveryMs = 300_000;
/** Requests that may come at once at high rates, as time of the rate: timers are no finer. */
const burstMs = 20;
/** HEADs after which it is judged whether they spend the quota; fewer say nothing, as others may pull meanwhile. */
const judgedBy = 20;
/** They do when the quota fell by so much for each that no pull of ours explains; they do not when by less. */
const spendsPart = 0.8;

/**
 * What one registry may be asked, for one login: so many requests a second and at once, never more than its operator
 * allows and less when it says so. The rate is halved by 429 and grows back in five minutes (additive increase,
 * multiplicative decrease: Chiu and Jain, 1989); concurrency shrinks while answers take much longer than they did.
 */
export class Budget {
  private allowed: number;
  private room: number;
  private active = 0;
  /** When the next request may start (GCRA, ITU-T I.371). */
  private startAt = 0;
  private grownAt = 0;
  private pausedUntil = 0;
  private failures = 0;
  private lastError: BudgetView['lastError'] = null;
  private fastest = Infinity;
  private usual = 0;
  private quota: BudgetView['quota'] = null;
  private heads = 0;
  private fallen = 0;
  private pulls = 0;
  /** Until when looks are known to spend the quota. */
  private spendsUntil = 0;
  /** Looks that have begun and whose HEAD was not seen yet: it is paid for. */
  private paid = 0;
  private minute = { at: 0, requests: 0, before: 0 };

  constructor(
    private limits: Limits,
    private readonly random: () => number = Math.random,
  ) {
    this.allowed = limits.requestsPerSecond;
    this.room = limits.concurrency;
  }

  setLimits(limits: Limits): void {
    if (JSON.stringify(limits) === JSON.stringify(this.limits)) return;
    this.limits = limits;
    this.allowed = limits.requestsPerSecond;
    this.room = limits.concurrency;
  }

  /** When the next look may begin, in milliseconds; Infinity while as many are under way as may be. */
  nextAt(): number {
    const room = this.isOpen() ? 1 : Math.floor(this.room);
    return this.active >= room ? Infinity : Math.max(this.startAt, this.pausedUntil);
  }

  begin(now: number): void {
    this.active += 1;
    this.paid += 1;
    this.pay(now);
  }

  end(outcome: Outcome, now: number): void {
    this.active -= 1;
    this.paid = Math.min(this.paid, this.active);
    if (outcome.message !== undefined) this.lastError = { message: outcome.message, at: now };
    if (outcome.kind === 'Answered') {
      this.failures = 0;
      this.grow(now);
      return;
    }
    // Those that were under way when it began to refuse say nothing new.
    const isNews = now >= this.pausedUntil;
    if (outcome.kind === 'Limited') {
      if (isNews) this.allowed = Math.max(this.limits.requestsPerSecond / 64, this.allowed / 2);
      if (isNews) this.failures += 1;
      this.pause(now + (outcome.retryAfterMs ?? this.backOff(this.failures)));
      this.grownAt = this.pausedUntil;
    } else if (isNews) {
      this.failures += 1;
      if (this.isOpen()) this.pause(now + this.backOff(this.failures - failuresInRow + 1));
    }
  }

  /** A request was made, for a look or for something else: what no look has paid is paid now. */
  requested({ method, ms, quota }: Request, now: number): void {
    if (now - this.minute.at >= 60_000) {
      this.minute = { at: now, requests: 0, before: now - this.minute.at < 120_000 ? this.minute.requests : 0 };
    }
    this.minute.requests += 1;
    if (method === 'HEAD' && this.paid > 0) this.paid -= 1;
    else this.pay(now);
    if (method === 'HEAD') this.timed(ms);
    else this.pulls += 1;
    if (quota) this.told(quota, method, now);
  }

  /** What looks really get, per second. */
  rate(now: number): number {
    this.grow(now);
    if (now >= this.spendsUntil || !this.quota?.windowSeconds) return this.allowed;
    // Half of what is left of the quota, for the rest of the window: the other half is for pulls.
    return Math.min(this.allowed, Math.max(1, (this.quota.remaining ?? 0) / 2) / this.quota.windowSeconds);
  }

  view(now: number): BudgetView {
    return {
      allowed: this.rate(now),
      used: now - this.minute.at >= 120_000 ? 0 : (this.minute.before || this.minute.requests) / 60,
      pausedUntil: this.pausedUntil > now ? this.pausedUntil : null,
      quota: this.quota,
      looksCount: now < this.spendsUntil,
      failures: this.failures,
      lastError: this.lastError,
    };
  }

  /** So many failures that it is left alone, and tried by one look at a time. */
  private isOpen(): boolean {
    return this.failures >= failuresInRow;
  }

  private pay(now: number): void {
    const rate = this.rate(now);
    const burst = Math.min(burstMs, (Math.max(0, rate * (burstMs / 1000) - 1) * 1000) / rate);
    this.startAt = Math.max(this.startAt, now - burst) + 1000 / rate;
  }

  private grow(now: number): void {
    const passed = now - this.grownAt;
    if (passed <= 0) return;
    this.grownAt = now;
    const { requestsPerSecond } = this.limits;
    this.allowed = Math.min(requestsPerSecond, this.allowed + (requestsPerSecond * passed) / recoveryMs);
  }

  private pause(until: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, until);
  }

  private backOff(times: number): number {
    const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, times - 1));
    return longest * (0.5 + this.random() / 2);
  }

  /** Waiting that is longer than the fastest answers explain is a queue of theirs: ask for less at once. */
  private timed(ms: number): void {
    this.fastest = Math.min(ms, this.fastest * 1.001 + 0.001);
    this.usual = this.usual === 0 ? ms : this.usual * 0.9 + ms * 0.1;
    const isSlow = this.usual > 2 * this.fastest + 100;
    const room = isSlow ? this.room - 1 / this.room : this.room + 1 / this.room;
    this.room = Math.min(this.limits.concurrency, Math.max(1, room));
  }

  private told(quota: Quota, method: string, now: number): void {
    const before = this.quota?.remaining;
    this.quota = { ...quota, at: now };
    const { remaining } = quota;
    if (remaining === undefined || before === undefined || remaining > before) {
      this.heads = this.fallen = this.pulls = 0;
      return;
    }
    this.fallen += before - remaining;
    if (method === 'HEAD') this.heads += 1;
    if (this.heads < judgedBy) return;
    // Judged anew when the window is over: whoever else pulls from this address must not slow us for ever.
    if (this.fallen - this.pulls >= spendsPart * this.heads) {
      this.spendsUntil = now + (quota.windowSeconds ?? 3_600) * 1000;
    }
    this.heads = this.fallen = this.pulls = 0;
  }
}
