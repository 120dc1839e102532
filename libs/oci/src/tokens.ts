/** A bearer token and what it was asked for. */
export interface Token {
  readonly value: string;
  readonly scopes: Set<string>;
  /** Milliseconds since the epoch; from then on it is renewed, though it may be valid a little longer. */
  readonly renewAt: number;
}

const MAX_ENTRIES = 20_000;
const MIN_LIFE_SECONDS = 60;

/**
 * When to renew a token. 60 s is the default life and the least believed (distribution's token spec; some servers
 * send less and mean the default). The margin covers clock drift and slow requests.
 */
export function renewalTime(nowMs: number, expiresInSeconds: unknown): number {
  const claimed = typeof expiresInSeconds === 'number' && Number.isFinite(expiresInSeconds) ? expiresInSeconds : 0;
  const life = Math.max(claimed, MIN_LIFE_SECONDS);
  return nowMs + (life - Math.min(life / 4, 30)) * 1000;
}

/** Tokens of one registry, found by any scope they cover: one token with many scopes serves many repositories. */
export class TokenCache {
  private readonly byScope = new Map<string, Token>();

  find(scopes: readonly string[], nowMs: number): Token | undefined {
    const token = this.byScope.get(scopes[0] ?? '');
    if (!token || token.renewAt <= nowMs) return undefined;
    return scopes.every((scope) => token.scopes.has(scope)) ? token : undefined;
  }

  store(token: Token, nowMs: number): void {
    if (this.byScope.size >= MAX_ENTRIES) this.prune(nowMs);
    for (const scope of token.scopes.size === 0 ? [''] : [...token.scopes]) {
      this.byScope.set(scope, token);
      // A token that may push may pull.
      const pull = scope.replace(/:pull,push$/, ':pull');
      if (pull === scope) continue;
      token.scopes.add(pull);
      const present = this.byScope.get(pull);
      if (!present || present.renewAt < token.renewAt) this.byScope.set(pull, token);
    }
  }

  /** The registry refused this token for these scopes; it may still serve its others. */
  refuse(token: Token, scopes: readonly string[]): void {
    for (const scope of scopes.length === 0 ? [''] : scopes) {
      token.scopes.delete(scope);
      if (this.byScope.get(scope) === token) this.byScope.delete(scope);
    }
  }

  clear(): void {
    this.byScope.clear();
  }

  private prune(nowMs: number): void {
    for (const [scope, token] of this.byScope) if (token.renewAt <= nowMs) this.byScope.delete(scope);
    // Still full of live tokens: the oldest half goes, it costs a request each to have them again.
    let excess = this.byScope.size - MAX_ENTRIES / 2;
    for (const scope of this.byScope.keys()) if (excess-- > 0) this.byScope.delete(scope);
  }
}
