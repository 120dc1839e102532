import type { SeenBy, Snapshot } from '#libs/contracts';
import { isConcurrencyError, type AggregateStore, type Clock, type Commands, type Logger } from '#libs/event-log';
import { parseReference, withTag, type CallOptions, type RegistryClient } from '#libs/oci';
import type { AdoptionPolicy } from '../policy/policy.js';
import { highestVersion } from '../policy/version-range.js';
import type { WatchList } from '../watchlist/watch-list.js';
import { tagDecider, type TagState } from '../tags/tag.decider.js';
import { namable } from './namable.js';

/** What made somebody look, and for what. */
export interface LookRequest {
  readonly seenBy: SeenBy;
  readonly hintedAt?: string | null;
  /** The run whose output is answered, with the digest that it pushed. */
  readonly answers?: {
    readonly run: string;
    readonly digest: string;
    /** Answer even when the registry still shows what was there before. */
    readonly final: boolean;
  };
  readonly causation?: string;
  /** Whoever asks looks again at once when this fails: the client's own retries, which wait longer, are left out. */
  readonly repeats?: boolean;
}

/** What is known of the looks at a reference; memory only, its loss costs a request. */
export interface LookRecord {
  lastLookAt: number | null;
  lastError: string | null;
}

export interface LookerDependencies {
  readonly registries: { readonly client: Pick<RegistryClient, 'headManifest' | 'resolve' | 'listTags'> };
  readonly tags: AggregateStore<TagState>;
  readonly commands: Commands;
  readonly policy: AdoptionPolicy;
  readonly watchList: Pick<WatchList, 'pusherOf' | 'owes' | 'isUrgent'>;
  /** Told of each look that the registry answered. */
  readonly onLook?: (reference: string, seenBy: SeenBy, at: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Seconds after which a look that still shows the old digest is repeated, after a notification or a push of ours. */
export const repeatAfterSeconds = [1, 2, 5, 10, 30] as const;

/** The registry still shows the digest from before a push of ours: look again a little later. */
export class StaleLookError extends Error {
  readonly code = 'STALE_LOOK';
}

interface Pending {
  readonly request: LookRequest;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Looks at references: one look at a time for each, and a request that comes during a look asks for one more.
 * A look reads what is known first, then asks the registry by HEAD, and reads the index only when the digest differs.
 */
export class Looker {
  private readonly active = new Map<string, Pending[]>();
  readonly records = new Map<string, LookRecord>();

  constructor(private readonly with_: LookerDependencies) {}

  record(reference: string): LookRecord {
    let record = this.records.get(reference);
    if (!record) this.records.set(reference, (record = { lastLookAt: null, lastError: null }));
    return record;
  }

  /** Looks once more than whatever is going on now. Rejects when the registry cannot say. */
  look(reference: string, request: LookRequest): Promise<void> {
    const pending = { request, done: Promise.withResolvers<void>() };
    const waiting = this.active.get(reference);
    if (waiting) {
      // One more look serves everybody who asked since the last one began; only answers are made one by one.
      const next = request.answers ? undefined : waiting.find((one) => !one.request.answers);
      if (next) return next.done.promise;
      waiting.push(pending);
      return pending.done.promise;
    }
    const queue = [pending];
    this.active.set(reference, queue);
    void this.drain(reference, queue);
    return pending.done.promise;
  }

  private async drain(reference: string, queue: Pending[]): Promise<void> {
    for (let pending = queue.shift(); pending; pending = queue.shift()) {
      try {
        await this.once(reference, pending.request);
        this.record(reference).lastError = null;
        pending.done.resolve();
      } catch (error) {
        this.record(reference).lastError = error instanceof Error ? error.message : String(error);
        pending.done.reject(error);
      }
    }
    this.active.delete(reference);
  }

  private async once(reference: string, request: LookRequest): Promise<void> {
    const { tags, commands, policy, clock, watchList } = this.with_;
    const { answers } = request;
    for (;;) {
      if (answers && !watchList.owes(reference, answers.run)) return;
      const { state, sequence } = tags.get(reference);
      const found = await this.find(reference, state, request.repeats ? { retries: 0 } : {});
      const at = clock.now().getTime();
      this.record(reference).lastLookAt = at;
      this.with_.onLook?.(reference, request.seenBy, at);
      if (answers && !answers.final && found?.digest !== answers.digest && found?.digest === state.adopted?.digest) {
        throw new StaleLookError(`${reference} does not show the push of run ${answers.run} yet.`);
      }
      const isNew = found !== null && found.digest !== state.adopted?.digest;
      const pusher = isNew ? watchList.pusherOf(reference, found.digest) : null;
      const run = answers?.run ?? pusher;
      try {
        await commands.execute(
          tags,
          tagDecider,
          reference,
          {
            type: 'observe',
            reference,
            found,
            seenBy: pusher ? 'Push' : request.seenBy,
            hintedAt: request.hintedAt ?? null,
            run,
            urgent: run !== null && watchList.isUrgent(reference, run),
            verdict: found && policy.decide(reference, state, found, pusher !== null),
          },
          { causation: request.causation, expected: sequence, onConflict: 'give-up' },
        );
        return;
      } catch (error) {
        // Somebody else looked meanwhile: what this look found may be the older answer, so it is made again.
        if (!isConcurrencyError(error)) throw error;
      }
    }
  }

  private async find(reference: string, state: TagState, options: CallOptions): Promise<Snapshot | null> {
    const { client } = this.with_.registries;
    const named = parseReference(reference);
    const range = this.with_.policy.rangeOf(reference);
    const tag = range && highestVersion(range, await client.listTags(named, options));
    if (range && tag === undefined) return null;
    const parsed = tag === undefined ? named : withTag(named, tag);
    const head = await client.headManifest(parsed, options);
    if (!head) return null;
    const known = [state.vanishedAt === null ? state.current : null, state.adopted, ...state.adoptedBefore];
    const same = [...known, ...state.candidates.map(({ snapshot }) => snapshot)].find(
      (one) => one?.digest === head.digest,
    );
    return same ?? namable({ ...(await client.resolve(parsed, options)), ...(tag === undefined ? {} : { tag }) });
  }
}
