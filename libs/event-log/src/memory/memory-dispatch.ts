import type { Clock } from '../clock.js';
import { dispatchSubject } from '#libs/contracts';
import type { DeadLetters } from '../ports/dead-letters.js';
import type { ConsumeOptions, DispatchedRun, DispatchQueue } from '../ports/dispatch.js';

type Handler = (message: DispatchedRun) => Promise<void>;

interface Message {
  readonly run: string;
  readonly attempt: number;
  deliveries: number;
}

interface Pool {
  readonly waiting: Message[];
  readonly consumers: Set<Consumer>;
}

interface Consumer {
  readonly handler: Handler;
  readonly slots: number;
  readonly ackWaitMs: number;
  readonly busy: Set<Promise<void>>;
}

/** How long a message of the same run and attempt is the same message. */
const duplicateWindowMs = 20_000;

export class MemoryDispatch implements DispatchQueue {
  readonly #pools = new Map<string, Pool>();
  readonly #sent = new Map<string, number>();
  readonly #held = new Set<Message>();
  /** What was dropped, and why: the dead letters. */
  readonly dropped: { readonly run: string; readonly attempt: number; readonly reason: string }[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly dead?: DeadLetters,
  ) {}

  #pool(name: string): Pool {
    let pool = this.#pools.get(name);
    if (!pool) this.#pools.set(name, (pool = { waiting: [], consumers: new Set() }));
    return pool;
  }

  send(
    name: string,
    { run, attempt }: { readonly run: string; readonly attempt: number },
    { again = false }: { readonly again?: boolean } = {},
  ): Promise<void> {
    const id = `${run}.${attempt}`;
    const now = this.clock.now().getTime();
    const before = this.#sent.get(id);
    if (!again && before !== undefined && now - before < duplicateWindowMs) return Promise.resolve();
    this.#sent.set(id, now);
    const pool = this.#pool(name);
    const message = { run, attempt, deliveries: 0 };
    this.#held.add(message);
    pool.waiting.push(message);
    this.#deliver(name, pool);
    return Promise.resolve();
  }

  held(): Promise<readonly { readonly run: string; readonly attempt: number }[]> {
    return Promise.resolve([...this.#held].map(({ run, attempt }) => ({ run, attempt })));
  }

  /** Loses every message, as a queue does that somebody purged. */
  purge(): void {
    this.#held.clear();
    for (const pool of this.#pools.values()) pool.waiting.length = 0;
  }

  consume(name: string, { slots, ackWaitMs = 30_000 }: ConsumeOptions, handler: Handler): { close(): Promise<void> } {
    const pool = this.#pool(name);
    const consumer = { handler, slots, ackWaitMs, busy: new Set<Promise<void>>() };
    pool.consumers.add(consumer);
    this.#deliver(name, pool);
    return {
      close: async () => {
        pool.consumers.delete(consumer);
        await Promise.all(consumer.busy);
      },
    };
  }

  #deliver(name: string, pool: Pool): void {
    for (const consumer of pool.consumers) {
      while (consumer.busy.size < consumer.slots) {
        const message = pool.waiting.shift();
        if (!message) return;
        const work = this.#handle(name, pool, consumer, message).finally(() => {
          consumer.busy.delete(work);
          this.#deliver(name, pool);
        });
        consumer.busy.add(work);
      }
    }
  }

  async #handle(name: string, pool: Pool, consumer: Consumer, message: Message): Promise<void> {
    const { clock, dropped } = this;
    const { run, attempt } = message;
    message.deliveries += 1;
    let settled = false;
    const again = (): void => {
      if (!this.#held.has(message)) return;
      pool.waiting.push(message);
      this.#deliver(name, pool);
    };
    const timeout = (): (() => void) =>
      clock.setTimeout(() => {
        if (!settled) again();
        settled = true;
      }, consumer.ackWaitMs);
    let cancel = timeout();
    const settle = (then: () => void): void => {
      if (settled) return;
      settled = true;
      cancel();
      then();
    };
    const retry = (ms: number): void => settle(() => void clock.setTimeout(again, ms));
    try {
      await consumer.handler({
        run,
        attempt,
        deliveries: message.deliveries,
        working: () => {
          cancel();
          if (!settled) cancel = timeout();
          return Promise.resolve(true);
        },
        ack: () => Promise.resolve(settle(() => void this.#held.delete(message))),
        retry,
        drop: (cause) =>
          settle(() => {
            this.#held.delete(message);
            dropped.push({ run, attempt, reason: cause });
            const payload = JSON.stringify({ run, attempt });
            const letter = { kind: 'dispatch', source: name, cause, subject: dispatchSubject(name), payload } as const;
            void this.dead?.add(letter);
          }),
      });
    } catch {
      // As the real queue does: whoever handles messages reports its own errors.
      retry(1_000);
    }
  }
}
