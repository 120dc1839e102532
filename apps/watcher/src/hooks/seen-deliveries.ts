/** How many are remembered: senders that try again do so within minutes. */
const remembered = 10_000;

/** Deliveries that came already. In memory and bounded: one that is forgotten costs a request to the registry. */
export class SeenDeliveries {
  readonly #seen = new Set<string>();

  /** Whether it is the first time; from now on it is not. */
  isNew(delivery: string): boolean {
    if (this.#seen.has(delivery)) return false;
    this.#seen.add(delivery);
    if (this.#seen.size > remembered) this.#seen.delete(this.#seen.values().next().value!);
    return true;
  }
}
