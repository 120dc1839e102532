import type { Clock } from '../clock.js';
import type { DeadLetter, DeadLetters, NewDeadLetter } from '../ports/dead-letters.js';

export class MemoryDeadLetters implements DeadLetters {
  readonly #letters = new Map<number, DeadLetter>();
  readonly #once = new Set<string>();
  #last = 0;

  constructor(
    private readonly clock: Clock,
    /** Puts a message back where it was found. */
    private readonly putBack: (letter: DeadLetter) => Promise<void>,
  ) {}

  add({ once, ...letter }: NewDeadLetter): Promise<void> {
    if (once !== undefined && this.#once.has(once)) return Promise.resolve();
    if (once !== undefined) this.#once.add(once);
    const id = ++this.#last;
    this.#letters.set(id, { ...letter, id, at: this.clock.now() });
    return Promise.resolve();
  }

  list({ after, limit }: { readonly after: number; readonly limit: number }): Promise<DeadLetter[]> {
    return Promise.resolve([...this.#letters.values()].filter(({ id }) => id > after).slice(0, limit));
  }

  get(id: number): Promise<DeadLetter | undefined> {
    return Promise.resolve(this.#letters.get(id));
  }

  async replay(letter: DeadLetter): Promise<void> {
    if (this.#letters.delete(letter.id)) await this.putBack(letter);
  }
}
