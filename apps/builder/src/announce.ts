import type { Logger } from '#libs/event-log';
import type { Leases } from './ports.js';
import type { BuilderClock } from './time.js';

/** How often a builder says that it is there: three times in the time after which the bucket forgets it (15 s). */
export const announceEveryMs = 5_000;

/** What the scheduler reads of a builder under `builder.<id>` in the bucket `leases`. */
export interface Announcement {
  readonly pool: string;
  readonly slots: number;
  readonly engine: string;
  readonly isolation: 'vm' | 'userns' | 'oci' | 'chroot';
}

/** Keeps a builder's entry in the bucket `leases` fresh, so that its slots are counted. */
export class Announcer {
  #cancel: () => void = () => undefined;
  #stopped = false;
  #problem: string | undefined;

  constructor(
    private readonly leases: Pick<Leases, 'put' | 'delete'>,
    private readonly builderId: string,
    private readonly announcement: () => Announcement,
    private readonly clock: BuilderClock,
    private readonly logger: Logger,
  ) {}

  get key(): string {
    return `builder.${this.builderId}`;
  }

  /** Why the scheduler cannot see this builder now. */
  get problem(): string | undefined {
    return this.#problem;
  }

  async start(): Promise<void> {
    await this.#announce();
    this.#next();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.leases.delete(this.key).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'This builder could not be taken off the list; its entry expires by itself.');
    });
  }

  #next(): void {
    this.#cancel = this.clock.setTimeout(() => {
      void this.#announce().then(() => {
        if (!this.#stopped) this.#next();
      });
    }, announceEveryMs);
  }

  async #announce(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.leases.put(this.key, Buffer.from(JSON.stringify(this.announcement())));
      this.#problem = undefined;
    } catch (error) {
      this.#problem = `The builder could not announce itself: ${(error as Error).message}`;
      this.logger.warn({ err: error }, 'This builder could not announce itself: it gets no new runs until it can.');
    }
  }
}
