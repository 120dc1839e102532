import { setTimeout as delay } from 'node:timers/promises';

/** An event of Plinth, as the stream shows it. */
export interface Fact {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Follows the event stream over plain HTTP, at whichever of the processes answers: when that one dies, the next one is
 * asked for what comes after the last event.
 */
export class Feed {
  readonly facts: Fact[] = [];
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #following: Promise<void> | undefined;
  #problem: Error | undefined;

  constructor(
    private readonly urls: readonly string[],
    private readonly token: string,
  ) {}

  start(): void {
    this.#following = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  /**
   * Resolves when the condition holds; it is asked after each event, and now.
   * @throws Error that names what was waited for, after `timeoutMs` of waiting in vain
   */
  async until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const seen = this.facts.length;
      if (this.#problem) throw this.#problem;
      if (await condition()) return;
      if (deadline.aborted) throw new Error(`In vain for ${timeoutMs / 1000} s: ${what}.`);
      if (this.facts.length === seen) await this.#next(deadline);
    }
  }

  #next(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#listeners.delete(done);
        deadline.removeEventListener('abort', done);
        resolve();
      };
      this.#listeners.add(done);
      deadline.addEventListener('abort', done, { once: true });
    });
  }

  async #follow(): Promise<void> {
    for (let turn = 0; !this.#stop.signal.aborted; turn++) {
      try {
        await this.#read(this.urls[turn % this.urls.length]!);
      } catch (error) {
        // A process that dies breaks its connections; a stream that is wrong is another matter.
        if (error instanceof StreamError) {
          this.#problem = error;
          this.#tell();
          return;
        }
        await delay(20);
      }
    }
  }

  async #read(url: string): Promise<void> {
    const after = this.facts.length;
    const response = await fetch(`${url}/v1/events?after=${after}`, {
      headers: { authorization: `Bearer ${this.token}` },
      signal: this.#stop.signal,
    });
    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
    for await (const fact of factsIn(response.body)) {
      if (fact.position !== this.facts.length + 1) {
        throw new StreamError(`After position ${this.facts.length} the event stream went on with ${fact.position}.`);
      }
      this.facts.push(fact);
      this.#tell();
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

class StreamError extends Error {}

/** Server-sent events: blocks of lines with an empty line between them; comments and other fields are passed over. */
async function* factsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<Fact> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined) yield JSON.parse(data.slice('data: '.length)) as Fact;
    }
  }
}
