import type { Clock } from '../clock.js';

interface Waiter {
  readonly position: number;
  settle(reached: boolean): void;
}

/** Those who wait for a position. */
export class PositionWaiters {
  readonly #waiters = new Set<Waiter>();
  #ended = false;

  constructor(private readonly clock: Clock) {}

  wait(position: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean> {
    const { timeoutMs, signal } = options;
    if (this.#ended || signal?.aborted || timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const abort = (): void => waiter.settle(false);
      const waiter: Waiter = {
        position,
        settle: (reached) => {
          this.#waiters.delete(waiter);
          cancel();
          signal?.removeEventListener('abort', abort);
          resolve(reached);
        },
      };
      const cancel = this.clock.setTimeout(abort, timeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  reached(position: number): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) if (waiter.position <= position) waiter.settle(true);
  }

  /** Nothing will be reached any more. */
  end(): void {
    this.#ended = true;
    for (const waiter of this.#waiters) waiter.settle(false);
  }
}
