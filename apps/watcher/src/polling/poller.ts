import type { Clock, Logger } from '#libs/event-log';
import { parseReference } from '#libs/oci';
import type { Looker } from '../looking/looker.js';

export interface PollerDependencies {
  readonly looker: Looker;
  /** How often tags of a registry are looked at, in milliseconds. */
  readonly intervalOf: (registry: string) => number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1; spreads the looks. */
  readonly random?: () => number;
}

/** Looks that may be under way at one registry: a slow one delays no other. */
const concurrency = 4;
const tickMs = 100;

interface Registry {
  /** When each reference is looked at next, in milliseconds. */
  readonly due: Map<string, number>;
  active: number;
}

/**
 * Looks at every watched reference once an interval, with a tenth of jitter. The interval is a setting of the
 * registry; what spends a budget better than this takes its place here.
 */
export class Poller {
  private readonly registries = new Map<string, Registry>();
  private cancelTick: (() => void) | undefined;

  constructor(private readonly with_: PollerDependencies) {}

  start(): void {
    this.cancelTick = this.with_.clock.setTimeout(() => {
      this.tick();
      this.start();
    }, tickMs);
  }

  stop(): void {
    this.cancelTick?.();
  }

  /** @param restarted spread over a whole interval, so that nothing stampedes after a restart */
  add(reference: string, restarted = false): void {
    const { clock, looker, random = Math.random } = this.with_;
    const host = parseReference(reference).registry;
    const interval = this.with_.intervalOf(host);
    const at = clock.now().getTime() + interval * (restarted ? random() : 0.9 + random() * 0.2);
    const { due } = this.registry(host);
    // To the end: where a registry is too slow for its interval, all wait longer and none for ever.
    due.delete(reference);
    due.set(reference, at);
    looker.record(reference).nextLookAt = at;
  }

  remove(reference: string): void {
    this.registry(parseReference(reference).registry).due.delete(reference);
    this.with_.looker.records.delete(reference);
  }

  /** Takes a changed interval of a registry into account. */
  reschedule(host: string): void {
    const references = [...this.registry(host).due.keys()]; // `add` moves each to the end
    for (const reference of references) this.add(reference, true);
  }

  private registry(host: string): Registry {
    let registry = this.registries.get(host);
    if (!registry) this.registries.set(host, (registry = { due: new Map(), active: 0 }));
    return registry;
  }

  private tick(): void {
    const now = this.with_.clock.now().getTime();
    for (const registry of this.registries.values()) {
      for (const [reference, at] of registry.due) {
        if (registry.active >= concurrency) break;
        if (at > now) continue;
        registry.active += 1;
        this.add(reference);
        void this.poll(reference).finally(() => (registry.active -= 1));
      }
    }
  }

  private async poll(reference: string): Promise<void> {
    try {
      await this.with_.looker.look(reference, { seenBy: 'Poll' });
    } catch (error) {
      this.with_.logger.warn({ reference, error: String(error) }, 'a poll failed; the next one comes as planned');
    }
  }
}
