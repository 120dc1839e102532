import type { EventData, EventType, EventView } from '#libs/contracts';
import type { Client } from '#libs/client';

/** An event of Plinth with its data typed by its type. */
export type DemoEvent = {
  [T in EventType]: Omit<EventView, 'type' | 'data'> & { readonly type: T; readonly data: EventData<T> };
}[EventType];

/** Something that the demo waits for did not come in time. */
export class NotInTime extends Error {
  readonly code = 'NOT_IN_TIME';
}

/** The events of Plinth, followed over GET /v1/events from the first one on; nothing here sleeps. */
export class Feed {
  readonly events: DemoEvent[] = [];
  readonly #listeners = new Set<(event: DemoEvent) => void>();
  readonly #stopping = new AbortController();
  readonly #broken = Promise.withResolvers<never>();

  constructor(client: Client) {
    this.#broken.promise.catch(() => undefined); // whoever waits hears of it
    void this.#follow(client);
  }

  async #follow(client: Client): Promise<void> {
    try {
      for await (const event of client.watchEvents({ after: 0 }, { signal: this.#stopping.signal })) {
        this.events.push(event as DemoEvent);
        for (const listener of this.#listeners) listener(event as DemoEvent);
      }
      throw new Error('The stream of events ended.');
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#broken.reject(error);
    }
  }

  /** Calls for each event that comes from now on. Answers how to stop that. */
  on(listener: (event: DemoEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends following, and every wait. */
  stop(): void {
    this.#stopping.abort();
    this.#broken.reject(new Error('The demo ends.'));
  }

  /**
   * The first event after `after` (an index of `events`) that this answers something for.
   * @throws NotInTime after `timeoutMs`, with `what` was waited for
   */
  async until<T>(
    find: (event: DemoEvent) => T | undefined,
    { after = 0, timeoutMs, what }: { after?: number; timeoutMs: number; what: string },
  ): Promise<T> {
    for (const event of this.events.slice(after)) {
      const found = find(event);
      if (found !== undefined) return found;
    }
    const waiting = Promise.withResolvers<T>();
    const stop = this.on((event) => {
      const found = find(event);
      if (found !== undefined) waiting.resolve(found);
    });
    const timer = setTimeout(
      () => waiting.reject(new NotInTime(`${what} did not happen within ${timeoutMs / 1000} s.`)),
      timeoutMs,
    );
    try {
      return await Promise.race([waiting.promise, this.#broken.promise]);
    } finally {
      clearTimeout(timer);
      stop();
    }
  }
}
