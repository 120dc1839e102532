import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '#libs/client';

const patienceMs = 30_000;

interface RunEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The ends of runs, from the event stream of Plinth. */
export class RunEnds {
  readonly #stop = new AbortController();
  readonly #ended = new Map<string, number>();
  #waiting: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(client: Client) {
    void this.#follow(client).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#fail(error as Error);
    });
  }

  async #follow(client: Client): Promise<void> {
    for await (const event of client.watchEvents({ types: 'run' }, { signal: this.#stop.signal })) {
      const { type, data } = event as RunEvent;
      const task = String(data['task']);
      if (type === 'run.succeeded') this.#ended.set(task, (this.#ended.get(task) ?? 0) + 1);
      else if (['run.failed', 'run.errored', 'run.timed-out', 'run.canceled'].includes(type)) {
        return this.#fail(new Error(`A run of ${task} did not succeed: ${type} ${JSON.stringify(data)}`));
      }
      this.#waiting?.();
    }
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#waiting?.();
  }

  /** Waits until so many runs of the task have succeeded. */
  async succeeded(task: string, count: number): Promise<void> {
    const late = new AbortController();
    const timeout = delay(patienceMs, true, { signal: late.signal }).catch(() => false);
    try {
      while ((this.#ended.get(task) ?? 0) < count) {
        if (this.#failure) throw this.#failure;
        const heard = new Promise<false>((resolve) => (this.#waiting = () => resolve(false)));
        if (await Promise.race([heard, timeout])) {
          throw new Error(`Run ${count} of ${task} did not succeed within ${patienceMs / 1000} s.`);
        }
      }
    } finally {
      late.abort();
    }
  }

  close(): void {
    this.#stop.abort();
  }
}
