import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import { PlinthError } from '#libs/contracts';
import type { Authenticator, Principal } from '../principal.js';
import { IssuerKeys, IssuerUnavailableError, type IssuerKeysOptions } from './issuer-keys.js';
import { grantOf, textsOf } from './rules.js';
import type { OidcProvider } from './settings.js';

export interface OidcAuthenticatorOptions extends IssuerKeysOptions {
  readonly providers: readonly OidcProvider[];
  readonly logger: { warn(fields: object, message: string): void };
  readonly now?: () => Date;
}

/** How often it is said that an issuer does not answer, in milliseconds. */
const sayAgainMs = 30_000;

const unauthenticated = (message: string, cause?: unknown): PlinthError =>
  new PlinthError('UNAUTHENTICATED', message, [], { cause });

/** Why a token is refused, in words that say nothing of its text. */
const reasonOf = (error: unknown, { audience, algorithms }: OidcProvider): string => {
  if (error instanceof errors.JWTExpired) return 'it has expired. Get a new one';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return `it is for another audience. Ask for one with the audience "${audience}"`;
    if (error.claim === 'nbf') return 'it is not valid yet. Are the clocks right?';
    return `its claim ${error.claim} is ${error.reason === 'missing' ? 'missing' : 'not as it must be'}`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return `it is signed in a way that is not taken; these are: ${algorithms.join(', ')}`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it does not say with which key it was signed (kid)';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  return 'it is no signed JSON Web Token';
};

/** The issuer that a token says it is of, unchecked; undefined when it is no JSON Web Token. */
const issuerOf = (token: string): string | undefined => {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined; // then it is no token of this kind
  }
};

/**
 * Takes the tokens of OpenID Connect issuers that the operator names (CI systems, identity providers): checked against
 * the issuer's public keys, allowed what the first rule gives whose claims it has, and nothing without one.
 */
export class OidcAuthenticator implements Authenticator {
  readonly #issuers: ReadonlyMap<string, { readonly provider: OidcProvider; readonly keys: IssuerKeys }>;
  readonly #saidAt = new Map<string, number>();

  constructor(private readonly options: OidcAuthenticatorOptions) {
    this.#issuers = new Map(
      options.providers.map((provider) => [provider.issuer, { provider, keys: new IssuerKeys(provider, options) }]),
    );
  }

  /**
   * @throws PlinthError UNAUTHENTICATED saying why a token of an issuer is refused, PERMISSION_DENIED for a good one that
   *   no rule is for, UNAVAILABLE while the keys of its issuer cannot be had
   */
  async authenticate(token: string): Promise<Principal | undefined> {
    const issuer = issuerOf(token);
    if (issuer === undefined) return undefined;
    const known = this.#issuers.get(issuer);
    if (!known) {
      throw unauthenticated('The token is of an issuer that is not taken here. PLINTH_OIDC lists those that are.');
    }
    const { provider } = known;
    const claims = await this.#verify(token, known);
    const [subject] = textsOf(claims, provider.subjectClaim);
    if (subject === undefined) {
      throw unauthenticated(
        `The token of ${provider.name} is not valid: its claim ${provider.subjectClaim} is missing.`,
      );
    }
    const grant = grantOf(provider.rules, claims);
    if (!grant) {
      throw new PlinthError(
        'PERMISSION_DENIED',
        `The token of ${provider.name} is valid, but no rule is for ${subject}. Add one to PLINTH_OIDC.`,
      );
    }
    const until = ((claims.exp ?? 0) + provider.clockToleranceSeconds) * 1000;
    return {
      // Names of Plinth's own tokens have no colon: nobody is taken for somebody else.
      subject: `${provider.name}:${subject}`,
      ...grant,
      isValid: () => this.#now().getTime() < until,
    };
  }

  async #verify(
    token: string,
    { provider, keys }: { readonly provider: OidcProvider; readonly keys: IssuerKeys },
  ): Promise<JWTPayload> {
    const { name, issuer, audience, algorithms, clockToleranceSeconds } = provider;
    try {
      const { payload } = await jwtVerify(token, keys.keyOf, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        currentDate: this.#now(),
        requiredClaims: ['exp', 'iat'],
      });
      return payload;
    } catch (error) {
      if (!(error instanceof IssuerUnavailableError)) {
        throw unauthenticated(`The token of ${name} is not valid: ${reasonOf(error, provider)}.`, error);
      }
      this.#say(provider, error);
      throw new PlinthError(
        'UNAVAILABLE',
        `The keys of ${name} cannot be had, so its tokens cannot be checked now. Plinth's own tokens are taken.`,
        [],
        { cause: error },
      );
    }
  }

  #say({ name, issuer }: OidcProvider, error: IssuerUnavailableError): void {
    const now = this.#now().getTime();
    if (now - (this.#saidAt.get(name) ?? -Infinity) < sayAgainMs) return;
    this.#saidAt.set(name, now);
    this.options.logger.warn(
      { issuer, error: error.message },
      `The keys of ${name} cannot be had; its tokens are refused`,
    );
  }

  #now(): Date {
    return this.options.now?.() ?? new Date();
  }
}
