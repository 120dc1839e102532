import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { PlinthError, type Scope } from '#libs/contracts';
import type { KvBucket } from '../kv.js';
import type { Redactor } from '../redactor.js';
import type { Authenticator, Principal } from './principal.js';

export interface TokenInfo {
  readonly name: string;
  readonly scope: Scope;
  readonly team: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** RFC 3339; null for never. */
  readonly expiresAt: string | null;
}
export interface NewToken {
  readonly name: string;
  readonly scope: Scope;
  readonly team: string;
  readonly expiresAt?: string | null | undefined;
}
export interface TokenStoreOptions {
  readonly bucket: KvBucket;
  readonly redactor: Redactor;
  readonly now?: () => Date;
}

interface Stored extends TokenInfo {
  /** SHA-256 of the token, hexadecimal. Tokens are random, so a slow hash would add nothing. */
  readonly hash: string;
}

const keyOf = (name: string): string => Buffer.from(name, 'utf8').toString('base64url');
const hashOf = (token: string): string => createHash('sha256').update(token, 'utf8').digest('hex');
const infoOf = ({ hash: _hash, ...info }: Stored): TokenInfo => info;

/**
 * API tokens. The bucket has hashes only; every process keeps them in memory and follows the bucket, so that a call
 * costs no request and a revoked token is refused everywhere as soon as the deletion arrives.
 */
export class TokenStore implements Authenticator {
  /** By key in the bucket. */
  readonly #tokens = new Map<string, Stored>();
  readonly #byHash = new Map<string, string>();
  /** Revision that each key is at; an older word about it is late. */
  readonly #revisions = new Map<string, number>();
  readonly #stop = new AbortController();

  private constructor(private readonly options: TokenStoreOptions) {}

  /** Resolves when all tokens that there are have arrived. */
  static async open(options: TokenStoreOptions): Promise<TokenStore> {
    const store = new TokenStore(options);
    await options.bucket.watch(({ key, value, revision }) => {
      store.#apply(key, value && (JSON.parse(Buffer.from(value).toString('utf8')) as Stored), revision);
    }, store.#stop.signal);
    return store;
  }

  /** Makes a token; the answer is the only place where it ever stands. @throws PlinthError ALREADY_EXISTS */
  async create(token: NewToken): Promise<TokenInfo & { readonly token: string }> {
    const text = `plinth_${randomBytes(32).toString('base64url')}`;
    return { ...(await this.adopt({ ...token, token: text })), token: text };
  }

  /** Takes a token that somebody else made, such as the first one of an installation. @throws PlinthError ALREADY_EXISTS */
  async adopt(token: NewToken & { readonly token: string }): Promise<TokenInfo> {
    this.options.redactor.add(token.token);
    const key = keyOf(token.name);
    const stored: Stored = {
      name: token.name,
      scope: token.scope,
      team: token.team,
      createdAt: this.#now().toISOString(),
      expiresAt: token.expiresAt ?? null,
      hash: hashOf(token.token),
    };
    try {
      const revision = await this.options.bucket.create(key, Buffer.from(JSON.stringify(stored), 'utf8'));
      this.#apply(key, stored, revision);
    } catch (error) {
      if (!(await this.options.bucket.get(key))) throw error;
      throw new PlinthError(
        'ALREADY_EXISTS',
        `There is a token "${token.name}" already. Revoke it, or use another name.`,
      );
    }
    return infoOf(stored);
  }

  /** From now on refused here, and everywhere as soon as the deletion arrives. @throws PlinthError NOT_FOUND */
  async revoke(name: string): Promise<void> {
    const key = keyOf(name);
    const found = await this.options.bucket.get(key);
    if (!found) throw new PlinthError('NOT_FOUND', `There is no token "${name}".`);
    await this.options.bucket.delete(key);
    this.#apply(key, undefined, found.revision + 1);
  }

  /** All tokens, expired ones too, by name. */
  list(): Promise<TokenInfo[]> {
    return Promise.resolve([...this.#tokens.values()].map(infoOf).sort((a, b) => (a.name < b.name ? -1 : 1)));
  }

  authenticate(token: string): Promise<Principal | undefined> {
    const hash = hashOf(token);
    const stored = this.#tokens.get(this.#byHash.get(hash) ?? '');
    if (!stored || !timingSafeEqual(Buffer.from(stored.hash, 'hex'), Buffer.from(hash, 'hex'))) {
      return Promise.resolve(undefined);
    }
    const isValid = (): boolean =>
      this.#byHash.has(hash) && (stored.expiresAt === null || Date.parse(stored.expiresAt) > this.#now().getTime());
    if (!isValid()) return Promise.resolve(undefined);
    return Promise.resolve({ subject: stored.name, scope: stored.scope, team: stored.team, isValid });
  }

  /** Follows the bucket no longer. */
  close(): void {
    this.#stop.abort();
  }

  #now(): Date {
    return this.options.now?.() ?? new Date();
  }

  #apply(key: string, stored: Stored | undefined, revision: number): void {
    if (revision < (this.#revisions.get(key) ?? 0)) return;
    this.#revisions.set(key, revision);
    const before = this.#tokens.get(key);
    if (before && this.#byHash.get(before.hash) === key) this.#byHash.delete(before.hash);
    if (stored) {
      this.#tokens.set(key, stored);
      this.#byHash.set(stored.hash, key);
    } else {
      this.#tokens.delete(key);
    }
  }
}
