import type { Delivery } from '#libs/contracts';
import type { KvBucket } from '#libs/event-log';

/** The delivery that is being tried again. */
export interface Failing {
  readonly position: number;
  /** Tries that failed. */
  readonly attempts: number;
  /** RFC 3339. */
  readonly nextAttemptAt: string;
  readonly error: string;
}

/** A walk along the log: what it has delivered, and what it is stuck at. */
export interface Lane {
  /** Position up to which all is delivered that is wanted. */
  readonly position: number;
  readonly failing: Failing | null;
}

/** How far the deliveries of one webhook are. It lives beside the log: nothing is decided from it but what comes next. */
export interface Progress {
  /** Position of the creation of the webhook that it is of: a namesake begins anew. */
  readonly since: number;
  /** The `enabledSince` that `failing` is of. */
  readonly enabledSince: number;
  readonly live: Lane;
  /** The replay under way. */
  readonly replay: (Lane & { readonly at: number }) | null;
  /** Position of the request of the last replay that is done. */
  readonly replayed: number;
  /** Newest first, so many as are kept. */
  readonly deliveries: readonly Delivery[];
}

export const keptDeliveries = 100;

/** With the newest word about one delivery first. */
export const withDelivery = (deliveries: readonly Delivery[], one: Delivery): Delivery[] => {
  const others = deliveries.filter(({ position, replay }) => position !== one.position || replay !== one.replay);
  return [one, ...others].slice(0, keptDeliveries);
};

/** Keeps progress in a bucket of the log, one key for each webhook. */
export class ProgressStore {
  constructor(private readonly bucket: KvBucket) {}

  async load(name: string): Promise<{ readonly progress: Progress | undefined; readonly revision: number }> {
    const found = await this.bucket.get(name);
    if (!found) return { progress: undefined, revision: 0 };
    const progress = JSON.parse(Buffer.from(found.value).toString('utf8')) as Progress;
    return { progress, revision: found.revision };
  }

  /** @returns the revision @throws PlinthError CONFLICT, ALREADY_EXISTS when another process wrote meanwhile */
  save(name: string, progress: Progress, revision: number): Promise<number> {
    const value = Buffer.from(JSON.stringify(progress), 'utf8');
    return revision === 0 ? this.bucket.create(name, value) : this.bucket.update(name, value, revision);
  }

  delete(name: string): Promise<void> {
    return this.bucket.delete(name);
  }
}
