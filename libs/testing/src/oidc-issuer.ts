import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

export type SignedWith = 'RS256' | 'ES256';

export interface TokenOptions {
  readonly alg?: SignedWith;
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds since the epoch. */
  readonly issuedAt?: number;
  readonly expiresAt?: number | null;
  readonly notBefore?: number;
  /** Id of the key, as the token says; the right one unless said. */
  readonly kid?: string;
}

/** An issuer of OpenID Connect tokens on a free port of 127.0.0.1, with keys of its own. */
export class OidcIssuer {
  readonly #keys = new Map<SignedWith, { kid: string; key: CryptoKey; jwk: JWK }>();
  readonly #server: Server;
  #generation = 0;
  #port = 0;
  /** Answers with this status instead, for one that does not work. */
  failing: number | undefined;
  /** Requests for its keys. */
  fetched = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      const answer = (value: object): void => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      };
      if (this.failing !== undefined) response.writeHead(this.failing).end();
      else if (request.url === '/.well-known/openid-configuration') {
        answer({ issuer: this.url, jwks_uri: `${this.url}/keys` });
      } else if (request.url === '/keys') {
        this.fetched += 1;
        answer({ keys: [...this.#keys.values()].map(({ jwk }) => jwk) });
      } else response.writeHead(404).end();
    });
  }

  static async start(): Promise<OidcIssuer> {
    const issuer = new OidcIssuer();
    await issuer.rotate();
    await issuer.listen();
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** New keys; the old ones are gone. */
  async rotate(): Promise<void> {
    this.#generation += 1;
    for (const alg of ['RS256', 'ES256'] as const) {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      const kid = `${alg}-${this.#generation}`;
      this.#keys.set(alg, { kid, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } });
    }
  }

  /** A token with these claims, signed. It lives for five minutes unless said. */
  async token(claims: JWTPayload, options: TokenOptions = {}): Promise<string> {
    const { alg = 'RS256', issuer = this.url, audience = 'plinth', expiresAt, notBefore } = options;
    const { kid, key } = this.#keys.get(alg)!;
    const now = options.issuedAt ?? Math.floor(Date.now() / 1000);
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg, kid: options.kid ?? kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(now);
    if (expiresAt !== null) token.setExpirationTime(expiresAt ?? now + 300);
    if (notBefore !== undefined) token.setNotBefore(notBefore);
    return token.sign(key);
  }

  /** Public key of an algorithm, as it is published. */
  publicKey(alg: SignedWith): JWK {
    return this.#keys.get(alg)!.jwk;
  }

  /** Answers again, on the port that it had. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Nobody answers any more; `listen()` brings it back. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
