import { createHash } from 'node:crypto';
import { PlinthError } from '#libs/contracts';
import type { KvBucket } from './kv.js';

/** What is answered again to the same key and request. */
export interface StoredAnswer {
  readonly output: unknown;
  readonly position?: number | undefined;
  readonly etag?: string | undefined;
}

interface Entry {
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Absent while the first request is still being answered. */
  readonly answer?: StoredAnswer;
}

/** Keeps answers by idempotency key. `claim` is atomic over all that share the store. */
export interface IdempotencyStore {
  /** Makes the entry where there is none (or only one that is over) and answers undefined, else the one there is. */
  claim(key: string, entry: Entry): Promise<Entry | undefined>;
  put(key: string, entry: Entry): Promise<void>;
  remove(key: string): Promise<void>;
}

export const idempotencyHours = 24;
const keepMs = idempotencyHours * 3_600_000;
/** A request that was never finished (its process died) holds its key no longer than this. */
const claimMs = 60_000;

const isOver = (entry: Entry, now: number): boolean => now - entry.at > (entry.answer ? keepMs : claimMs);

/** In one process: the newest 10,000 keys. */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly #entries = new Map<string, Entry>();
  constructor(
    private readonly now: () => number = Date.now,
    private readonly capacity = 10_000,
  ) {}

  claim(key: string, entry: Entry): Promise<Entry | undefined> {
    const found = this.#entries.get(key);
    if (found && !isOver(found, this.now())) return Promise.resolve(found);
    return this.put(key, entry).then(() => undefined);
  }
  put(key: string, entry: Entry): Promise<void> {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.capacity) break;
      this.#entries.delete(oldest);
    }
    return Promise.resolve();
  }
  remove(key: string): Promise<void> {
    this.#entries.delete(key);
    return Promise.resolve();
  }
}

const encode = (entry: Entry): Uint8Array => Buffer.from(JSON.stringify(entry), 'utf8');
const decode = (value: Uint8Array): Entry => JSON.parse(Buffer.from(value).toString('utf8')) as Entry;

/** In a KV bucket, shared by all replicas of a service; the bucket's own time to live forgets old keys. */
export class KvIdempotencyStore implements IdempotencyStore {
  constructor(
    private readonly bucket: KvBucket,
    private readonly now: () => number = Date.now,
  ) {}

  async claim(key: string, entry: Entry): Promise<Entry | undefined> {
    for (;;) {
      const found = await this.bucket.get(key);
      if (found) {
        const there = decode(found.value);
        if (!isOver(there, this.now())) return there;
        try {
          await this.bucket.update(key, encode(entry), found.revision);
          return undefined;
        } catch (error) {
          // Somebody else took it over meanwhile: look again.
          const after = await this.bucket.get(key);
          if (after?.revision === found.revision) throw error;
          continue;
        }
      }
      try {
        await this.bucket.create(key, encode(entry));
        return undefined;
      } catch (error) {
        if (!(await this.bucket.get(key))) throw error;
      }
    }
  }
  async put(key: string, entry: Entry): Promise<void> {
    await this.bucket.put(key, encode(entry));
  }
  async remove(key: string): Promise<void> {
    await this.bucket.delete(key);
  }
}

/** JSON with sorted keys: two spellings of one request are one request. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

/**
 * Answers with `run`, or with what the same key was answered before. Only successes are kept: a request that
 * failed may be repeated with its key (AIP-155).
 *
 * @throws PlinthError IDEMPOTENCY_KEY_REUSED when the key was used for another request, CONFLICT while the first
 *   one is still being answered, INVALID_ARGUMENT for a key that is none
 */
export const idempotently = async (
  store: IdempotencyStore,
  request: { key: string; subject: string; operation: string; input: unknown },
  run: () => Promise<StoredAnswer>,
  now: () => number = Date.now,
): Promise<StoredAnswer> => {
  if (!/^[\x21-\x7e]{1,255}$/.test(request.key)) {
    throw new PlinthError('INVALID_ARGUMENT', 'Idempotency-Key is not usable.', [
      { field: 'Idempotency-Key', message: 'expected 1 to 255 visible ASCII characters, a UUID for example' },
    ]);
  }
  const key = sha256(`${request.subject}\n${request.operation}\n${request.key}`);
  const fingerprint = sha256(canonical(request.input));
  const found = await store.claim(key, { fingerprint, at: now() });
  if (found && found.fingerprint !== fingerprint) {
    throw new PlinthError(
      'IDEMPOTENCY_KEY_REUSED',
      `This key was used for another ${request.operation} within the last ${idempotencyHours} hours. Use a new key for a new request.`,
    );
  }
  if (found?.answer) return found.answer;
  if (found) {
    throw new PlinthError(
      'CONFLICT',
      'The first request with this key is still being answered. Try again in a second.',
    );
  }
  try {
    const answer = await run();
    await store.put(key, { fingerprint, at: now(), answer });
    return answer;
  } catch (error) {
    await store.remove(key);
    throw error;
  }
};
