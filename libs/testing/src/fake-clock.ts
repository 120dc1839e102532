interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it; it has the shape of `Clock` in libs/event-log. */
export class FakeClock {
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(start: Date | string = '2026-01-01T00:00:00.000Z') {
    this.#now = new Date(start).getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  setTimeout(callback: () => void, ms: number): () => void {
    const timer = { at: this.#now + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; undefined when none waits. */
  get next(): Date | undefined {
    const at = this.#earliest()?.at;
    return at === undefined ? undefined : new Date(at);
  }

  #earliest(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (!first || timer.at < first.at) first = timer;
    return first;
  }

  /** Moves on, calling each timer at its time and in order, also those that the called ones set. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let timer = this.#earliest(); timer && timer.at <= end; timer = this.#earliest()) {
      this.#timers.delete(timer);
      this.#now = timer.at;
      timer.callback();
      // Promises that the timer resolved go on before the next timer.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
