import { PlinthError } from '#libs/contracts';
import type { Clock } from '../clock.js';
import type { KvBucket, KvChange, KvEntry } from '../ports/kv.js';

interface Value {
  readonly value: Uint8Array;
  readonly revision: number;
  readonly cancel: () => void;
}

export class MemoryKv implements KvBucket {
  readonly #values = new Map<string, Value>();
  readonly #listeners = new Set<(change: KvChange) => void>();
  #revision = 0;

  constructor(
    private readonly clock: Clock,
    private readonly ttlMs: number,
  ) {}

  get(key: string): Promise<{ value: Uint8Array; revision: number } | undefined> {
    const found = this.#values.get(key);
    return Promise.resolve(found && { value: found.value, revision: found.revision });
  }

  create(key: string, value: Uint8Array): Promise<number> {
    if (!this.#values.has(key)) return this.put(key, value);
    return Promise.reject(new PlinthError('ALREADY_EXISTS', `There is a value of ${key} already.`));
  }

  put(key: string, value: Uint8Array): Promise<number> {
    if (key === '') return Promise.reject(new PlinthError('INVALID_ARGUMENT', 'A key must not be empty.'));
    this.#values.get(key)?.cancel();
    const revision = ++this.#revision;
    const cancel = this.ttlMs > 0 ? this.clock.setTimeout(() => this.#remove(key, revision), this.ttlMs) : () => {};
    const copy = Uint8Array.from(value);
    this.#values.set(key, { value: copy, revision, cancel });
    this.#tell({ key, value: copy, revision });
    return Promise.resolve(revision);
  }

  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    if ((this.#values.get(key)?.revision ?? 0) === revision) return this.put(key, value);
    const message = `${key} is not at revision ${revision} any more. Read it again.`;
    return Promise.reject(new PlinthError('CONFLICT', message));
  }

  delete(key: string): Promise<void> {
    if (this.#values.has(key)) this.#remove(key, ++this.#revision);
    return Promise.resolve();
  }

  #remove(key: string, revision: number): void {
    this.#values.get(key)?.cancel();
    this.#values.delete(key);
    this.#tell({ key, revision });
  }

  entries(): Promise<KvEntry[]> {
    return Promise.resolve(Array.from(this.#values, ([key, { value, revision }]) => ({ key, value, revision })));
  }

  watch(listener: (change: KvChange) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    for (const [key, { value, revision }] of this.#values) listener({ key, value, revision });
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
    return Promise.resolve();
  }

  #tell(change: KvChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
