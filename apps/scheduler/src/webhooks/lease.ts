import { isPlinthError } from '#libs/contracts';
import type { Clock, KvBucket, Logger } from '#libs/event-log';

export interface LeaseOptions {
  /** A bucket that forgets after 15 s what is not renewed. */
  readonly bucket: KvBucket;
  readonly key: string;
  /** Who holds it. One that starts again under the same name takes it back at once. */
  readonly holder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: (held: boolean) => void;
}

/** Three times in the time after which the bucket forgets it. */
export const renewMs = 5_000;

/** One of several processes does something, the others stand by. For efficiency: two at once must do no harm. */
export class Lease {
  private revision: number | undefined;
  private cancel: () => void = () => undefined;
  private stopped = false;
  private working: Promise<void> = Promise.resolve();

  constructor(private readonly options: LeaseOptions) {}

  get held(): boolean {
    return this.revision !== undefined;
  }

  async start(): Promise<void> {
    await this.tick();
  }

  /** Lets go of it, so that another one need not wait. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.working;
    if (this.held) await this.options.bucket.delete(this.options.key).catch(() => undefined); // it expires by itself
    this.revision = undefined;
  }

  private tick(): Promise<void> {
    this.working = this.renew().then(() => {
      if (!this.stopped) this.cancel = this.options.clock.setTimeout(() => void this.tick(), renewMs);
    });
    return this.working;
  }

  private async renew(): Promise<void> {
    const before = this.held;
    try {
      this.revision = await this.take();
    } catch (error) {
      // Somebody was faster, or nothing can be known now: then it is not ours.
      if (!isPlinthError(error)) this.options.logger.warn({ err: error }, 'A lease cannot be renewed now.');
      this.revision = undefined;
    }
    if (this.held !== before) this.options.onChange(this.held);
  }

  private async take(): Promise<number | undefined> {
    const { bucket, key, holder } = this.options;
    const value = Buffer.from(holder, 'utf8');
    if (this.revision !== undefined) return bucket.update(key, value, this.revision);
    const found = await bucket.get(key);
    if (!found) return bucket.create(key, value);
    if (Buffer.from(found.value).toString('utf8') !== holder) return undefined;
    return bucket.update(key, value, found.revision);
  }
}
