import { PlinthError, scopes, type Scope } from '#libs/contracts';

/** Who calls: made by an {@link Authenticator} from a token. */
export interface Principal {
  /** Name of the token or the person; it stands in events as `by`. */
  readonly subject: string;
  readonly scope: Scope;
  readonly team: string;
  /** False once the token was revoked or has expired: a stream that it opened ends then. Absent: it never ends. */
  readonly isValid?: () => boolean;
}

/** Turns a bearer token into a principal. */
export interface Authenticator {
  /**
   * `undefined` means: not known, revoked or expired.
   * @throws PlinthError where there is more to say about it, or when it cannot be checked now
   */
  authenticate(token: string): Promise<Principal | undefined>;
}

/** Injection token of the {@link Authenticator} that every API of the process uses. */
export const AUTHENTICATOR = Symbol('plinth.authenticator');

/** `admin` includes `write`, `write` includes `run`, `run` includes `read`. */
export const allows = (held: Scope, needed: Scope): boolean => scopes.indexOf(held) >= scopes.indexOf(needed);

/** RFC 6750 §2.1: the token of an `Authorization: Bearer` value; `undefined` where there is none. */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  authorization === undefined ? undefined : /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization)?.[1];

/**
 * The principal of a request that is allowed to do what needs `needed`; denies by default.
 *
 * @throws PlinthError UNAUTHENTICATED without a valid token, PERMISSION_DENIED when its scope is too small
 */
export const authorize = async (
  authenticator: Authenticator,
  authorization: string | undefined,
  needed: Scope,
): Promise<Principal> => {
  const token = bearerToken(authorization);
  if (token === undefined) {
    throw new PlinthError('UNAUTHENTICATED', 'Send a token in the header `Authorization: Bearer <token>`.');
  }
  const principal = await authenticator.authenticate(token);
  if (!principal) {
    throw new PlinthError('UNAUTHENTICATED', 'The token is not known, or it was revoked or has expired.');
  }
  if (!allows(principal.scope, needed)) {
    throw new PlinthError(
      'PERMISSION_DENIED',
      `The token "${principal.subject}" has the scope \`${principal.scope}\`; this needs \`${needed}\`.`,
    );
  }
  return principal;
};
