import type { Logger } from '#libs/event-log';
import type { BuilderClock } from '../time.js';
import type { DispatchedRun } from '../ports.js';

/**
 * Our hold on a dispatched run: as long as the server confirms within the ack wait that we are at work, it hands the
 * run to nobody else. Counted on a monotonic clock from the moment a confirmation was asked for, which is before the
 * server began to count; so we always let go before the server does.
 */
export class Lease {
  #confirmedAt: number;
  #cancelBeat: () => void = () => undefined;
  #cancelExpiry: () => void = () => undefined;
  #closed = false;
  #lost = false;

  constructor(
    private readonly message: Pick<DispatchedRun, 'run' | 'working'>,
    private readonly options: {
      readonly ackWaitMs: number;
      readonly clock: BuilderClock;
      readonly logger: Logger;
      /** Called once, when the hold is over. */
      readonly onLost: () => void;
    },
  ) {
    this.#confirmedAt = options.clock.monotonic();
    this.#armExpiry();
    this.#beat();
  }

  /** Milliseconds that the hold lasts without another confirmation; 0 when it is over. */
  left(): number {
    if (this.#lost || this.#closed) return 0;
    return Math.max(0, this.#confirmedAt + this.options.ackWaitMs - this.options.clock.monotonic());
  }

  alive(): boolean {
    return this.left() > 0;
  }

  /** Asks for a confirmation now; true when the hold stands afterwards. */
  async confirm(): Promise<boolean> {
    const asked = this.options.clock.monotonic();
    try {
      if (await this.message.working()) {
        // A server that handed the run to another builder answers us all the same: an answer counts only when it
        // came before the hold that we had was over.
        if (!this.alive()) return false;
        this.#confirmedAt = Math.max(this.#confirmedAt, asked);
        this.#armExpiry();
      }
    } catch (error) {
      this.options.logger.debug(
        { run: this.message.run, err: error },
        'The server did not answer that it knows of our work.',
      );
    }
    return this.alive();
  }

  close(): void {
    this.#closed = true;
    this.#cancelBeat();
    this.#cancelExpiry();
  }

  #beat(): void {
    const { clock, ackWaitMs } = this.options;
    this.#cancelBeat = clock.setTimeout(() => {
      if (this.#closed || this.#lost) return;
      void this.confirm();
      this.#beat();
    }, ackWaitMs / 3);
  }

  #armExpiry(): void {
    this.#cancelExpiry();
    this.#cancelExpiry = this.options.clock.setTimeout(() => {
      if (this.#closed || this.#lost) return;
      // Timers may come early by a little, and late by much after the process was suspended.
      if (this.left() > 0) return this.#armExpiry();
      this.#lost = true;
      this.#cancelBeat();
      this.options.onLost();
    }, this.left());
  }
}
