import type { KvBucket } from './kv.js';

/** A bucket in memory, for tests and simulations; it keeps the promises of {@link KvBucket}. */
export class MemoryKvBucket implements KvBucket {
  readonly #entries = new Map<string, { value: Uint8Array; revision: number }>();
  readonly #listeners = new Set<(entry: { key: string; value?: Uint8Array; revision: number }) => void>();
  #revision = 0;

  get(key: string): Promise<{ value: Uint8Array; revision: number } | undefined> {
    return Promise.resolve(this.#entries.get(key));
  }
  create(key: string, value: Uint8Array): Promise<number> {
    if (this.#entries.has(key)) return Promise.reject(new Error(`${key} is there already`));
    return this.put(key, value);
  }
  put(key: string, value: Uint8Array): Promise<number> {
    const revision = ++this.#revision;
    this.#entries.set(key, { value, revision });
    for (const listener of this.#listeners) listener({ key, value, revision });
    return Promise.resolve(revision);
  }
  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    const at = this.#entries.get(key)?.revision;
    if (at !== revision) return Promise.reject(new Error(`${key} is at ${String(at)}, not at ${revision}`));
    return this.put(key, value);
  }
  delete(key: string): Promise<void> {
    const revision = ++this.#revision;
    this.#entries.delete(key);
    for (const listener of this.#listeners) listener({ key, revision });
    return Promise.resolve();
  }
  entries(): Promise<{ key: string; value: Uint8Array; revision: number }[]> {
    return Promise.resolve([...this.#entries].map(([key, entry]) => ({ key, ...entry })));
  }
  watch(
    listener: (entry: { key: string; value?: Uint8Array; revision: number }) => void,
    signal: AbortSignal,
  ): Promise<void> {
    for (const [key, entry] of this.#entries) listener({ key, ...entry });
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
    return Promise.resolve();
  }
}
