import { isRegistryError } from '#libs/oci';
import type { Clock, Logger } from '#libs/event-log';
import type { Looker } from '../looking/looker.js';
import { Budget, type BudgetView, type Outcome, type Request } from './budget.js';
import { Plan, type TagFacts } from './plan.js';
import type { PollSettings } from './settings.js';

export interface PollerDependencies {
  readonly looker: Pick<Looker, 'look'>;
  /** The registry that is asked about a reference: its own, or the mirror where it is followed. */
  readonly hostOf: (reference: string) => string;
  readonly settingsOf: (host: string) => PollSettings;
  readonly factsOf: (reference: string) => TagFacts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1; spreads the looks. */
  readonly random?: () => number;
}

export interface PollingView extends BudgetView {
  readonly settings: PollSettings;
  /** Tags that are polled. */
  readonly tags: number;
}

interface Registry {
  readonly plan: Plan;
  readonly budget: Budget;
  cancel: (() => void) | undefined;
  wakeAt: number;
}

/**
 * Looks at every watched reference by the plan of its registry, as fast as the budget of that registry allows. Each
 * registry has its own plan, budget and timer: a slow, failing or limiting one delays no other.
 */
export class Poller {
  private readonly registries = new Map<string, Registry>();
  private readonly hosts = new Map<string, string>();
  private running = false;

  constructor(private readonly with_: PollerDependencies) {}

  start(): void {
    this.running = true;
    for (const host of this.registries.keys()) this.pump(host);
  }

  stop(): void {
    this.running = false;
    for (const registry of this.registries.values()) registry.cancel?.();
  }

  add(reference: string): void {
    if (this.hosts.has(reference)) return;
    const host = this.with_.hostOf(reference);
    this.hosts.set(reference, host);
    this.registry(host).plan.add(reference, this.with_.factsOf(reference), this.now());
    this.pump(host);
  }

  remove(reference: string): void {
    const host = this.hosts.get(reference);
    if (host === undefined) return;
    this.hosts.delete(reference);
    this.registry(host).plan.remove(reference);
  }

  /** More or fewer tasks stand on it. */
  weigh(reference: string): void {
    this.of(reference)?.plan.setDependants(reference, this.with_.factsOf(reference).dependants, this.now());
  }

  /** It was seen to move, by a look of ours or for another reason. */
  moved(reference: string): void {
    const host = this.hosts.get(reference);
    if (host === undefined) return;
    this.registry(host).plan.moved(reference, this.now());
    this.pump(host);
  }

  /** It has probably moved: the next look is at it. */
  urge(reference: string): void {
    const host = this.hosts.get(reference);
    if (host === undefined) return;
    this.registry(host).plan.urge(reference);
    this.pump(host);
  }

  /** It was looked at for another reason than the plan. */
  looked(reference: string): void {
    this.of(reference)?.plan.looked(reference, this.now());
  }

  /** A request was made to a registry. */
  requested(host: string, request: Request): void {
    this.registries.get(host)?.budget.requested(request, this.now());
  }

  /** Takes changed settings of a registry into account; also which tags are followed there, when it is a mirror. */
  reschedule(host: string): void {
    for (const [reference, before] of this.hosts) {
      if (this.with_.hostOf(reference) === before) continue;
      this.remove(reference);
      this.add(reference);
    }
    const registry = this.registries.get(host);
    if (!registry) return;
    const { pacing, limits } = this.with_.settingsOf(host);
    registry.plan.setPacing(pacing);
    registry.budget.setLimits(limits);
    this.pump(host);
  }

  /** When it is looked at next, about; null when it is not polled. */
  nextLookAt(reference: string): number | null {
    const registry = this.of(reference);
    if (!registry) return null;
    const now = this.now();
    const { allowed, pausedUntil } = registry.budget.view(now);
    return Math.max(pausedUntil ?? 0, registry.plan.nextLookAt(reference, allowed, now) ?? 0) || null;
  }

  view(host: string): PollingView {
    const { plan, budget } = this.registry(host);
    return { ...budget.view(this.now()), settings: this.with_.settingsOf(host), tags: plan.size };
  }

  /** Registries that have been asked. */
  polled(): IterableIterator<string> {
    return this.registries.keys();
  }

  private of(reference: string): Registry | undefined {
    const host = this.hosts.get(reference);
    return host === undefined ? undefined : this.registry(host);
  }

  private registry(host: string): Registry {
    let registry = this.registries.get(host);
    if (!registry) {
      const { pacing, limits } = this.with_.settingsOf(host);
      const { random } = this.with_;
      registry = { plan: new Plan(pacing, random), budget: new Budget(limits, random), cancel: undefined, wakeAt: NaN };
      this.registries.set(host, registry);
    }
    return registry;
  }

  private now(): number {
    return this.with_.clock.now().getTime();
  }

  /** Begins what may begin now, and wakes when the next may. */
  private pump(host: string): void {
    if (!this.running) return;
    const registry = this.registry(host);
    const { plan, budget } = registry;
    const now = this.now();
    while (budget.nextAt() <= now) {
      const reference = plan.take(now);
      if (reference === undefined) break;
      budget.begin(now);
      void this.poll(host, registry, reference);
    }
    const at = Math.max(now, budget.nextAt(), plan.nextAt());
    if (at === registry.wakeAt) return;
    registry.cancel?.();
    registry.cancel = undefined;
    registry.wakeAt = at;
    if (at === Infinity) return; // the end of a look, or a new tag, goes on
    registry.cancel = this.with_.clock.setTimeout(
      () => {
        registry.wakeAt = NaN;
        this.pump(host);
      },
      Math.min(at - now, longestTimerMs),
    );
  }

  private async poll(host: string, { budget }: Registry, reference: string): Promise<void> {
    let outcome: Outcome = { kind: 'Answered' };
    try {
      // No retries below: each would be a request that the budget has not allowed.
      await this.with_.looker.look(reference, { seenBy: 'Poll', repeats: true });
    } catch (error) {
      this.with_.logger.warn({ reference, error: String(error) }, 'a poll failed; the next one comes as planned');
      outcome = outcomeOf(error);
    }
    budget.end(outcome, this.now());
    this.pump(host);
  }
}

/** Timers cannot wait longer than 2³¹ ms. */
const longestTimerMs = 86_400_000;

/** What an error says of the registry as a whole; one of a single repository (denied, not there) says nothing. */
const outcomeOf = (error: unknown): Outcome => {
  if (isRegistryError(error, 'RATE_LIMITED')) {
    return { kind: 'Limited', retryAfterMs: error.retryAfterMs, message: error.message };
  }
  if (isRegistryError(error, 'UNAVAILABLE', 'TIMEOUT')) return { kind: 'Failed', message: error.message };
  return isRegistryError(error) ? { kind: 'Answered', message: error.message } : { kind: 'Answered' };
};
