import type { RegistryDefinition } from '#libs/contracts';

/** When tags are looked at. */
export type Pacing =
  /** By a share of the budget, each at most once in `atLeastMs`. */
  | { readonly kind: 'Budget'; readonly atLeastMs: number }
  /** After a random time between the two. */
  | { readonly kind: 'Interval'; readonly fromMs: number; readonly toMs: number };

export interface Limits {
  readonly requestsPerSecond: number;
  /** Requests that may be under way. */
  readonly concurrency: number;
}

export interface PollSettings {
  readonly pacing: Pacing;
  readonly limits: Limits;
}

/**
 * What a registry is asked where nobody says otherwise. Docker Hub stops an address at "thousands of requests per minute"
 * (docs.docker.com/docker-hub/usage): 5 a second are 300 a minute.
 */
const limitsByHost: Readonly<Record<string, Limits>> = { 'docker.io': { requestsPerSecond: 5, concurrency: 2 } };
const usualLimits: Limits = { requestsPerSecond: 5, concurrency: 4 };
/** Where an interval is said, the interval is the limit; this one keeps what is overdue from coming at once. */
const intervalLimits: Limits = { requestsPerSecond: 1000, concurrency: 4 };

/** No tag is looked at more often, however much of the budget is left. */
const atLeastMs = 10_000;
/** A registry that notifies is polled slowly, so that a lost message is repaired. */
const notifyingSeconds = 900;

/** How a registry is polled, from what is said of it. */
export const pollSettingsOf = (
  host: string,
  definition: Pick<RegistryDefinition, 'poll' | 'notifications'> | undefined,
): PollSettings => {
  const poll = definition?.poll ?? {};
  const pacing = pacingOf(poll, definition?.notifications !== undefined);
  const usual = limitsByHost[host] ?? (poll.intervalSeconds || poll.randomSeconds ? intervalLimits : usualLimits);
  const { requestsPerSecond = usual.requestsPerSecond, concurrency = usual.concurrency } = poll;
  return { pacing, limits: { requestsPerSecond, concurrency } };
};

const pacingOf = (poll: RegistryDefinition['poll'], notifies: boolean): Pacing => {
  const { randomSeconds: random } = poll;
  if (random) return { kind: 'Interval', fromMs: random.from * 1000, toMs: random.to * 1000 };
  const budget = poll.requestsPerSecond !== undefined;
  const seconds = poll.intervalSeconds ?? (notifies && !budget ? notifyingSeconds : undefined);
  if (seconds === undefined) return { kind: 'Budget', atLeastMs };
  // A tenth to either side, so that tags that were added together do not stay together.
  return { kind: 'Interval', fromMs: seconds * 900, toMs: seconds * 1100 };
};
