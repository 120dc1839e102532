/** The part of a key-value bucket of libs/event-log that this library uses. */
export interface KvBucket {
  get(key: string): Promise<{ value: Uint8Array; revision: number } | undefined>;
  /** Rejects when the key is there already. */
  create(key: string, value: Uint8Array): Promise<number>;
  put(key: string, value: Uint8Array): Promise<number>;
  /** Rejects when the key is not at `revision`. */
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  delete(key: string): Promise<void>;
  entries(): Promise<{ key: string; value: Uint8Array; revision: number }[]>;
  /** Resolves when the initial values were delivered; a listener gets no `value` for a deleted key. */
  watch(
    listener: (entry: { key: string; value?: Uint8Array; revision: number }) => void,
    signal: AbortSignal,
  ): Promise<void>;
}
