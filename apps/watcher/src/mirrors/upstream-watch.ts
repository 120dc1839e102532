import type { Clock, Logger } from '#libs/event-log';
import { formatReference, parseReference, type RegistryClient, type Repository } from '#libs/oci';

export interface UpstreamWatchDependencies {
  readonly registries: {
    readonly client: Pick<RegistryClient, 'headManifest'>;
    mirrored(repository: Repository): Repository | undefined;
    /** Whether `mirrored` knows of it; quick. */
    isMirrored(reference: string): boolean;
  };
  /** References that are watched now. */
  readonly references: () => Iterable<string>;
  /** Digest that the mirror showed when it was last looked at. */
  readonly digestOf: (reference: string) => string | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is known of a reference at its own registry, while a mirror is followed. Memory only. */
export interface UpstreamRecord {
  readonly digest: string | null;
  /** Milliseconds. */
  readonly lookedAt: number;
  /** What the mirror showed then. */
  readonly mirrored: string | null;
  /** When it was first seen that they differ; null when they did not. */
  readonly behindSince: number | null;
  readonly lastError: string | null;
}

/** What is shown of it. */
export interface MirrorView {
  readonly reference: string;
  readonly upstreamDigest: string | null;
  readonly upstreamLookAt: string | null;
  readonly behindSince: string | null;
  readonly lastError: string | null;
}

/** A mirror is followed so that its registry is left alone: it is asked four times a day, and never two at a time. */
const intervalMs = 6 * 3_600_000;
const paceMs = 1_000;
/** What is due is collected no more often: there may be 100,000 references. */
const passMs = 5_000;

/** Looks at references at their own registries, slowly, while a mirror is followed: how far does the mirror lag? */
export class UpstreamWatch {
  private readonly records = new Map<string, UpstreamRecord>();
  private due: string[] = [];
  private passedAt = -Infinity;
  private cancel: (() => void) | undefined;
  private readonly stopping = new AbortController();

  constructor(private readonly with_: UpstreamWatchDependencies) {}

  start(): void {
    if (this.stopping.signal.aborted) return;
    this.cancel = this.with_.clock.setTimeout(() => void this.next().finally(() => this.start()), paceMs);
  }

  stop(): void {
    this.stopping.abort();
    this.cancel?.();
  }

  /** Null unless the reference is followed at a mirror. */
  view(reference: string): MirrorView | null {
    const at = this.mirrorOf(reference);
    if (at === undefined) return null;
    const record = this.records.get(reference);
    const timeOf = (ms: number | null | undefined): string | null => (ms == null ? null : new Date(ms).toISOString());
    // A mirror that has moved since may have caught up: nothing is said until the next look.
    const isAsThen = record?.mirrored === this.with_.digestOf(reference);
    return {
      reference: at,
      upstreamDigest: record?.digest ?? null,
      upstreamLookAt: timeOf(record?.lookedAt),
      behindSince: isAsThen ? timeOf(record?.behindSince) : null,
      lastError: record?.lastError ?? null,
    };
  }

  /** Looks at one reference, if one is due. */
  async next(): Promise<void> {
    const now = this.with_.clock.now().getTime();
    if (this.due.length === 0 && now - this.passedAt >= passMs) {
      this.passedAt = now;
      this.due = this.pass(now);
    }
    const reference = this.due.pop();
    if (reference !== undefined) await this.look(reference, now);
  }

  /** Those that are due, the one that has waited longest last; forgets those that nobody watches any more. */
  private pass(now: number): string[] {
    const { registries, references, digestOf } = this.with_;
    const watched = new Set<string>();
    for (const reference of references()) if (registries.isMirrored(reference)) watched.add(reference);
    for (const reference of this.records.keys()) if (!watched.has(reference)) this.records.delete(reference);
    const lookedAt = (reference: string): number => this.records.get(reference)?.lookedAt ?? 0;
    return [...watched]
      .filter((one) => lookedAt(one) <= now - intervalMs && digestOf(one) !== null)
      .sort((one, other) => lookedAt(other) - lookedAt(one));
  }

  private async look(reference: string, now: number): Promise<void> {
    const { registries, digestOf, logger } = this.with_;
    const before = this.records.get(reference);
    const mirrored = digestOf(reference);
    try {
      const options = { upstream: true, signal: this.stopping.signal };
      const digest = (await registries.client.headManifest(parseReference(reference), options))?.digest ?? null;
      const isBehind = digest !== null && digest !== mirrored;
      const behindSince = isBehind ? (before?.behindSince ?? now) : null;
      this.records.set(reference, { digest, lookedAt: now, mirrored, behindSince, lastError: null });
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      const lastError = error instanceof Error ? error.message : String(error);
      logger.debug({ reference, error: lastError }, 'a mirrored image could not be looked at at its own registry');
      const known = before ?? { digest: null, mirrored, behindSince: null };
      this.records.set(reference, { ...known, lookedAt: now, lastError });
    }
  }

  private mirrorOf(reference: string): string | undefined {
    const parsed = parseReference(reference);
    const at = this.with_.registries.mirrored(parsed);
    return at && formatReference({ ...parsed, ...at });
  }
}
