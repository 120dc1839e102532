import type { DispatchedRun, Dispatches, Leases, LogSink, RunLogLine } from '../ports.js';

/** One dispatched run, as the queue hands it out, with what became of it. */
export class Delivery implements DispatchedRun {
  settled: 'ack' | 'drop' | `retry ${number}` | undefined;
  workingCalls = 0;
  /** The builder is done with it. */
  over = false;
  /** What the server says to `working()`. */
  answers: () => Promise<boolean> = () => Promise.resolve(true);

  constructor(
    readonly run: string,
    readonly attempt: number,
    readonly deliveries = 1,
  ) {}

  working(): Promise<boolean> {
    this.workingCalls++;
    return this.answers();
  }
  ack(): Promise<void> {
    this.settled ??= 'ack';
    return Promise.resolve();
  }
  retry(ms: number): void {
    this.settled ??= `retry ${ms}`;
  }
  drop(): void {
    this.settled ??= 'drop';
  }
}

/** A work queue whose deliveries a test makes. */
export class HandDispatch implements Dispatches {
  #handler: ((message: DispatchedRun) => Promise<void>) | undefined;
  closed = false;

  consume(_pool: string, _options: unknown, handler: (message: DispatchedRun) => Promise<void>) {
    this.#handler = handler;
    return {
      close: () => {
        this.closed = true;
        return Promise.resolve();
      },
    };
  }

  /** Resolves when the builder is done with it. */
  async deliver(delivery: Delivery): Promise<Delivery> {
    if (!this.#handler) throw new Error('Nobody consumes yet.');
    try {
      await this.#handler(delivery);
    } finally {
      delivery.over = true;
    }
    return delivery;
  }
}

export class MemoryLogSink implements LogSink {
  readonly lines: (RunLogLine & { run: string })[] = [];
  readonly ended: string[] = [];
  chunks = 0;

  append(run: string, lines: RunLogLine[]): Promise<void> {
    this.chunks++;
    this.lines.push(...lines.map((line) => ({ run, ...line })));
    return Promise.resolve();
  }
  end(run: string): Promise<void> {
    this.ended.push(run);
    return Promise.resolve();
  }
  get text(): string {
    return this.lines.map(({ text }) => text).join('\n');
  }
}

export class MemoryLeases implements Leases {
  readonly #entries = new Map<string, { value: Uint8Array; revision: number }>();
  #revision = 0;

  get(key: string): Promise<{ value: Uint8Array; revision: number } | undefined> {
    return Promise.resolve(this.#entries.get(key));
  }
  create(key: string, value: Uint8Array): Promise<number> {
    if (this.#entries.has(key)) return Promise.reject(new Error(`${key} is there`));
    return this.put(key, value);
  }
  put(key: string, value: Uint8Array): Promise<number> {
    this.#entries.set(key, { value, revision: ++this.#revision });
    return Promise.resolve(this.#revision);
  }
  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    if (this.#entries.get(key)?.revision !== revision) return Promise.reject(new Error(`${key} changed`));
    return this.put(key, value);
  }
  delete(key: string): Promise<void> {
    this.#entries.delete(key);
    return Promise.resolve();
  }
}
