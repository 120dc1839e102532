import { createRemoteJWKSet, errors, type FlattenedJWSInput, type JWSHeaderParameters, type RemoteJWKSet } from 'jose';
import { isTrustworthy, type OidcProvider } from './settings.js';

/** The issuer does not answer, or not as it must; the text says how. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
}

export interface IssuerKeysOptions {
  /** A request to the issuer, in milliseconds. */
  readonly timeoutMs?: number;
  /** After a fetch, an unknown key id leads to another one only after so long: nobody can make us ask without end. */
  readonly cooldownMs?: number;
}

const messageOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
};

/** The keys of an issuer: found by discovery where it is not said where they are, fetched when needed, and kept. */
export class IssuerKeys {
  #keys: Promise<RemoteJWKSet> | undefined;

  constructor(
    private readonly provider: Pick<OidcProvider, 'issuer' | 'jwksUri'>,
    private readonly options: IssuerKeysOptions = {},
  ) {}

  /**
   * The key that a token was signed with, as it says.
   * @throws JWKSNoMatchingKey, JWKSMultipleMatchingKeys @throws IssuerUnavailableError
   */
  readonly keyOf = async (header?: JWSHeaderParameters, token?: FlattenedJWSInput) => {
    try {
      this.#keys ??= this.#find().catch((error: unknown) => {
        this.#keys = undefined;
        throw error;
      });
      return await (
        await this.#keys
      )(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw error instanceof IssuerUnavailableError ? error : new IssuerUnavailableError(messageOf(error));
    }
  };

  async #find(): Promise<RemoteJWKSet> {
    const { timeoutMs = 5000, cooldownMs = 30_000 } = this.options;
    return createRemoteJWKSet(new URL(this.provider.jwksUri ?? (await this.#discover(timeoutMs))), {
      timeoutDuration: timeoutMs,
      cooldownDuration: cooldownMs,
    });
  }

  /** OpenID Connect Discovery 1.0 §4. */
  async #discover(timeoutMs: number): Promise<string> {
    const { issuer } = this.provider;
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    if (response.status !== 200) throw new IssuerUnavailableError(`GET ${url} answered ${response.status}`);
    const { issuer: named, jwks_uri: keys } = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (named !== issuer) throw new IssuerUnavailableError(`${url} is of another issuer: ${JSON.stringify(named)}`);
    if (typeof keys !== 'string' || !isTrustworthy(keys)) {
      throw new IssuerUnavailableError(`${url} names no https:// address of its keys`);
    }
    return keys;
  }
}
