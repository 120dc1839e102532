import { parseChallenges, type Challenge } from './challenges.js';
import type { Clock } from './clock.js';
import { RegistryError } from './errors.js';
import type { HostConfig, RegistryCredentials } from './hosts.js';
import { renewalTime, TokenCache, type Token } from './tokens.js';

/** What is sent as Authorization, and how it was come by. */
export interface Proof {
  readonly header: string;
  readonly token?: Token;
  /** Made for this very call, not remembered from another: refused means refused. */
  readonly fresh: boolean;
}

/** One request to a token server; the transport does it, under the address policy. */
export type AskTokenServer = (request: {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body?: string;
}) => Promise<{ status: number; error: RegistryError } | { status: 200; body: unknown }>;

type Scheme = { readonly kind: 'basic' } | { readonly kind: 'bearer'; readonly realm: URL; readonly service?: string };

const CREDENTIALS_LIFE_MS = 5 * 60_000;
const CLIENT_ID = 'plinth';
/** Answers of token servers that do not know the OAuth2 form: GCR 404, Artifactory 401, ACR 400, others 405. */
const NO_OAUTH2 = new Set([400, 401, 404, 405]);

/**
 * Authentication at one registry (distribution's token spec): nothing is sent before the registry asks, then Basic or a
 * bearer token for the scopes needed. Tokens are remembered per scope, and each is fetched once however many wait for it.
 */
export class Authorizer {
  private scheme?: Scheme;
  private readonly tokens = new TokenCache();
  private readonly fetching = new Map<string, Promise<Token>>();
  private known?: { readonly at: number; readonly value: Promise<RegistryCredentials | undefined> };
  private readonly secrets = new Set<string>();

  constructor(
    private readonly host: HostConfig,
    private readonly ask: AskTokenServer,
    private readonly clock: Clock,
  ) {}

  /** What to send before the registry has answered: what it is known to want, or nothing. */
  async current(scopes: readonly string[]): Promise<Proof | undefined> {
    const { scheme } = this;
    if (scheme?.kind === 'basic') return this.basic(false);
    if (scheme?.kind !== 'bearer') return undefined;
    const token = this.tokens.find(scopes, this.clock.now());
    return token ? bearer(token, false) : bearer(await this.token(scheme, scopes), true);
  }

  /**
   * What to send after this 401 (or 403 with insufficient_scope).
   * @returns undefined when nothing better can be tried
   * @throws RegistryError when the token server refuses, or may not be asked
   */
  async answer(
    headers: string | string[] | undefined,
    scopes: readonly string[],
    refused: Proof | undefined,
  ): Promise<Proof | undefined> {
    const challenges = parseChallenges(headers);
    const scheme = this.choose(challenges) ?? this.scheme;
    if (!scheme) return undefined;
    this.scheme = scheme;
    if (scheme.kind === 'basic') {
      // Remembered credentials may have been rotated: ask for them once more, then believe the registry.
      if (refused?.fresh) return undefined;
      if (refused) this.known = undefined;
      return this.basic(true);
    }
    const named = demandedScopes(challenges);
    if (refused?.token) {
      if (refused.fresh && named.every((scope) => refused.token?.scopes.has(scope))) return undefined;
      this.tokens.refuse(refused.token, scopes);
    }
    // Some token servers look at the first scope only, so what the registry misses comes first.
    const wanted = [...new Set([...named.filter((scope) => !scopes.includes(`${scope},push`)), ...scopes])];
    const token = refused ? undefined : this.tokens.find(wanted, this.clock.now());
    return token ? bearer(token, false) : bearer(await this.token(scheme, wanted), true);
  }

  /** Whether the registry has asked for a login so far, and in which way. */
  get kind(): 'none' | Scheme['kind'] {
    return this.scheme?.kind ?? 'none';
  }

  /** Takes every secret in use out of a text that comes from outside. */
  scrub(text: string): string {
    let clean = text;
    for (const secret of this.secrets) clean = clean.replaceAll(secret, '•••');
    return clean;
  }

  private choose(challenges: readonly Challenge[]): Scheme | undefined {
    for (const { scheme, parameters } of challenges) {
      if (scheme !== 'bearer') continue;
      const realm = URL.parse(parameters.get('realm') ?? '');
      // A realm that is not a URL cannot be asked for tokens; such registries take Basic directly.
      if (realm && /^https?:$/.test(realm.protocol)) {
        return { kind: 'bearer', realm, service: parameters.get('service') };
      }
    }
    return challenges.some(({ scheme }) => scheme === 'basic' || scheme === 'bearer') ? { kind: 'basic' } : undefined;
  }

  private async basic(fresh: boolean): Promise<Proof | undefined> {
    const credentials = await this.credentials();
    return credentials && { header: this.basicHeader(credentials), fresh };
  }

  private basicHeader(credentials: RegistryCredentials): string {
    const pair =
      'identityToken' in credentials
        ? `<token>:${credentials.identityToken}`
        : `${credentials.username}:${credentials.password}`;
    const encoded = Buffer.from(pair).toString('base64');
    this.secret(encoded);
    return `Basic ${encoded}`;
  }

  /** Credential helpers are processes: asked at most once in five minutes, and again when their answer was refused. */
  private async credentials(): Promise<RegistryCredentials | undefined> {
    const now = this.clock.now();
    if (!this.known || now - this.known.at > CREDENTIALS_LIFE_MS) {
      this.known = { at: now, value: this.host.credentials?.() ?? Promise.resolve(undefined) };
    }
    try {
      const credentials = await this.known.value;
      if (credentials) this.secret('identityToken' in credentials ? credentials.identityToken : credentials.password);
      return credentials;
    } catch (cause) {
      this.known = undefined;
      throw new RegistryError(
        'UNAUTHORIZED',
        `the credentials of ${this.host.registry} could not be read: ${(cause as Error).message}`,
        { registry: this.host.registry, cause },
      );
    }
  }

  private token(scheme: Scheme & { kind: 'bearer' }, scopes: readonly string[]): Promise<Token> {
    const key = [...scopes].sort().join(' ');
    const running = this.fetching.get(key);
    if (running) return running;
    const fetched = this.fetchToken(scheme, scopes).finally(() => this.fetching.delete(key));
    this.fetching.set(key, fetched);
    return fetched;
  }

  private async fetchToken(scheme: Scheme & { kind: 'bearer' }, scopes: readonly string[]): Promise<Token> {
    const { realm, service } = scheme;
    this.checkRealm(realm);
    const credentials = await this.credentials();
    let response: Awaited<ReturnType<AskTokenServer>> | undefined;
    if (credentials && 'identityToken' in credentials) {
      const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: credentials.identityToken });
      form.set('client_id', CLIENT_ID);
      if (service !== undefined) form.set('service', service);
      if (scopes.length > 0) form.set('scope', scopes.join(' '));
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      response = await this.ask({ method: 'POST', url: realm, headers, body: form.toString() });
    }
    if (!response || ('error' in response && NO_OAUTH2.has(response.status))) {
      const url = new URL(realm);
      if (service !== undefined) url.searchParams.set('service', service);
      for (const scope of scopes) url.searchParams.append('scope', scope);
      const headers: Record<string, string> = credentials ? { authorization: this.basicHeader(credentials) } : {};
      response = await this.ask({ method: 'GET', url, headers });
    }
    if ('error' in response) {
      if (response.status === 401 || response.status === 403) this.known = undefined;
      throw response.error;
    }
    const {
      token,
      access_token: accessToken,
      expires_in: expiresIn,
    } = (response.body ?? {}) as Record<string, unknown>;
    const value = [token, accessToken].find((one): one is string => typeof one === 'string' && one !== '');
    if (value === undefined || /[^\x21-\x7e]/.test(value)) {
      throw this.error('INVALID_RESPONSE', `the token server ${realm.host} answered without a usable token`);
    }
    this.secret(value);
    const now = this.clock.now();
    const fetched: Token = { value, scopes: new Set(scopes), renewAt: renewalTime(now, expiresIn) };
    this.tokens.store(fetched, now);
    return fetched;
  }

  /** Credentials go where the realm says, so the realm must be safe to believe (containerd CVE-2020-15157's class). */
  private checkRealm(realm: URL): void {
    if (realm.protocol !== 'https:' && this.host.scheme !== 'http') {
      throw this.error(
        'FORBIDDEN_ADDRESS',
        `its token server ${realm.origin} is not https; credentials are not sent there`,
      );
    }
    if (realm.username || realm.password) {
      throw this.error('FORBIDDEN_ADDRESS', `its token server address at ${realm.host} carries a login of its own`);
    }
  }

  private error(code: 'FORBIDDEN_ADDRESS' | 'INVALID_RESPONSE', why: string): RegistryError {
    return new RegistryError(code, `${this.host.registry}: ${why}`, { registry: this.host.registry });
  }

  /** Short values would turn every message into dots, and are no secrets. */
  private secret(value: string): void {
    if (value.length < 4) return;
    if (this.secrets.size > 1000) this.secrets.clear();
    this.secrets.add(value);
  }
}

function bearer(token: Token, fresh: boolean): Proof {
  return { header: `Bearer ${token.value}`, token, fresh };
}

function demandedScopes(challenges: readonly Challenge[]): string[] {
  const scope = challenges.find(({ scheme }) => scheme === 'bearer')?.parameters.get('scope') ?? '';
  return scope.split(' ').filter(Boolean);
}
