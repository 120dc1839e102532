import type { AggregateStore, Clock, Commands, Logger, RecordedEvent } from '#libs/event-log';
import { parseReference, withDigest, type Digest, type RegistryClient } from '#libs/oci';
import { ripe, tagDecider, type TagState } from '../tags/tag.decider.js';
import type { Policies } from './policy.js';

export interface ReconsideringDependencies {
  readonly tags: AggregateStore<TagState>;
  readonly policies: Pick<Policies, 'reconsider' | 'changed'>;
  readonly registries: { readonly client: Pick<RegistryClient, 'headManifest'> };
  readonly commands: Commands;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Longest that a timer runs, in milliseconds: a day; then it is set again. */
const longestMs = 86_400_000;
/** After a failure (registry or log), in milliseconds. */
const againMs = 10_000;

/**
 * Asks again about digests that wait: when one of them is old enough or has settled, and when a policy or a person
 * changed something. Timers follow from what the log says of the tag, so a restart loses none of them.
 */
export class Reconsidering {
  /** Tags of which something waits. */
  readonly waiting = new Set<string>();
  private readonly touched = new Set<string>();
  private readonly timers = new Map<string, () => void>();
  private readonly busy = new Map<string, Promise<void>>();
  private stopped = false;

  constructor(private readonly with_: ReconsideringDependencies) {}

  /** After the start: every tag of which something waits. */
  attendAll(): void {
    for (const [reference, { state }] of this.with_.tags.all({ live: true })) {
      if (state.candidates.length > 0) void this.attend(reference);
    }
  }

  /** After each batch; what it touched is attended to when the head of the log is reached. */
  attendEvents(events: readonly RecordedEvent[], caughtUp: boolean): void {
    for (const { aggregate } of events) {
      if (aggregate.kind === 'tag') this.touched.add(aggregate.id);
      if (aggregate.kind !== 'policy') continue;
      this.with_.policies.changed();
      for (const reference of this.waiting) this.touched.add(reference);
    }
    if (!caughtUp) return;
    for (const reference of this.touched) {
      const { state } = this.with_.tags.get(reference);
      if (state.candidates.length > 0 || this.waiting.has(reference)) void this.attend(reference);
    }
    this.touched.clear();
  }

  /** Decides about what waits of a tag, as things are now; resolves when that stands in the log. */
  attend(reference: string): Promise<void> {
    const before = this.busy.get(reference) ?? Promise.resolve();
    const now = before.then(() => this.once(reference));
    this.busy.set(reference, now);
    return now.finally(() => {
      if (this.busy.get(reference) === now) this.busy.delete(reference);
    });
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
  }

  private async once(reference: string): Promise<void> {
    if (this.stopped) return;
    const { commands, tags, policies, clock, logger } = this.with_;
    try {
      await this.discardGone(reference);
      const judge = policies.reconsider;
      await commands.execute(tags, tagDecider, reference, { type: 'reconsider', reference, judge });
      this.setTimer(reference);
    } catch (error) {
      if (this.stopped) return;
      logger.warn({ reference, error: String(error) }, 'cannot decide about what is held now; trying again');
      this.wake(reference, clock.now().getTime() + againMs);
    }
  }

  /** What the tag does not name any more may have been removed: then it is not what dependants can be built on. */
  private async discardGone(reference: string): Promise<void> {
    const { commands, tags, policies, registries } = this.with_;
    for (;;) {
      const { state } = tags.get(reference);
      const digest = state.watched ? ripe(state, policies.reconsider)?.candidate.snapshot.digest : undefined;
      if (digest === undefined || digest === state.current?.digest) return;
      const at = withDigest(parseReference(reference), digest as Digest);
      if (await registries.client.headManifest(at)) return;
      await commands.execute(tags, tagDecider, reference, { type: 'discard', reference, digest });
    }
  }

  /** The next moment at which time alone may change what is decided. */
  private setTimer(reference: string): void {
    const { state } = this.with_.tags.get(reference);
    if (!state.watched || state.candidates.length === 0) {
      this.waiting.delete(reference);
      this.wake(reference, null);
      return;
    }
    this.waiting.add(reference);
    const ends = state.candidates.flatMap((candidate) => {
      const verdict = this.with_.policies.reconsider(state, candidate);
      return !verdict.adopt && verdict.until !== null ? [Date.parse(verdict.until)] : [];
    });
    this.wake(reference, ends.length > 0 && state.vanishedAt === null ? Math.min(...ends) : null);
  }

  private wake(reference: string, at: number | null): void {
    this.timers.get(reference)?.();
    this.timers.delete(reference);
    if (at === null || this.stopped) return;
    const { clock } = this.with_;
    const ms = Math.min(longestMs, Math.max(0, at - clock.now().getTime()));
    this.timers.set(
      reference,
      clock.setTimeout(() => void this.attend(reference), ms),
    );
  }
}
