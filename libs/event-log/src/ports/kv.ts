export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

/** `value` is absent for a key that was deleted, or whose time was up. */
export interface KvChange {
  readonly key: string;
  readonly value?: Uint8Array;
  readonly revision: number;
}

/** Keys may be any string that is not empty. */
export interface KvBucket {
  get(key: string): Promise<{ readonly value: Uint8Array; readonly revision: number } | undefined>;
  /** @returns the revision @throws PlinthError ALREADY_EXISTS */
  create(key: string, value: Uint8Array): Promise<number>;
  put(key: string, value: Uint8Array): Promise<number>;
  /** @throws PlinthError CONFLICT when the key is not at `revision` */
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  /** Nothing happens when there is no such key. */
  delete(key: string): Promise<void>;
  entries(): Promise<KvEntry[]>;
  /**
   * Every value as it is now, then every change; resolves when the former were delivered. In a bucket with a time to
   * live a value that is not renewed is told as deleted, at most one such time late.
   */
  watch(listener: (change: KvChange) => void, signal: AbortSignal): Promise<void>;
}
