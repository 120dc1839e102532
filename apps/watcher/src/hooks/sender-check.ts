import { createHash } from 'node:crypto';
import { isPlinthError, type Notifications } from '#libs/contracts';
import { bearerToken, OidcAuthenticator } from '#libs/service';
import { sameSecret } from './constant-time.js';
import type { HookDialect, HookRequest } from './dialect.js';
import { proves, restsOnSecret } from './proof.js';

export interface SenderCheckOptions {
  readonly secrets: { open(ref: string): Promise<string> };
  /** Told of each key that was right: it must stand in no log. */
  readonly redactor: { add(value: string): void };
  readonly logger: { warn(fields: object, message: string): void };
}

/** A shorter key could be guessed. */
const shortestKey = 32;

const hashOf = (key: string): string => `sha256:${createHash('sha256').update(key, 'utf8').digest('hex')}`;

/** Signatures that issuers use; secrets that both sides share, and none, never. */
const algorithms = ['RS256', 'ES256', 'EdDSA'] as const;

/** Decides whether a notification comes from who it says, by what the settings of its registry have. */
export class SenderCheck {
  /** Each keeps the keys of its issuer. */
  readonly #issuers = new Map<string, OidcAuthenticator>();

  constructor(private readonly options: SenderCheckOptions) {}

  /** @throws PlinthError UNAVAILABLE while the keys that a token was signed with cannot be had */
  async isGenuine(
    dialect: HookDialect,
    { secret, keyHash, oidc }: Notifications,
    request: HookRequest,
    key: string | undefined,
  ): Promise<boolean> {
    const { proofs } = dialect;
    if (secret !== undefined) {
      const opened = await this.options.secrets.open(secret);
      if (proofs.some((proof) => restsOnSecret(proof) && proves(proof, request, opened))) return true;
    }
    if (keyHash !== undefined && proofs.some(({ by }) => by === 'path') && key !== undefined) {
      const same = sameSecret(hashOf(key), keyHash) && key.length >= shortestKey;
      if (same) this.options.redactor.add(key);
      if (same) return true;
    }
    return oidc !== undefined && proofs.some(({ by }) => by === 'oidc') && (await this.#hasToken(oidc, request));
  }

  async #hasToken(oidc: NonNullable<Notifications['oidc']>, { headers }: HookRequest): Promise<boolean> {
    const token = bearerToken(headers['authorization']);
    if (token === undefined) return false;
    try {
      return (await this.#issuer(oidc).authenticate(token)) !== undefined;
    } catch (error) {
      if (isPlinthError(error) && error.code !== 'UNAVAILABLE') return false;
      throw error;
    }
  }

  #issuer(oidc: NonNullable<Notifications['oidc']>): OidcAuthenticator {
    const { issuer, audience, email } = oidc;
    const name = JSON.stringify([issuer, audience, email]);
    let found = this.#issuers.get(name);
    if (!found) {
      const provider = {
        name: new URL(issuer).host,
        issuer,
        audience,
        algorithms: [...algorithms],
        subjectClaim: 'sub',
        clockToleranceSeconds: 30,
        // What the holder may do elsewhere is not asked: this check ends here.
        rules: [{ claims: { email, email_verified: 'true' }, scope: 'read' as const, team: 'default' }],
      };
      found = new OidcAuthenticator({ providers: [provider], logger: this.options.logger });
      this.#issuers.set(name, found);
    }
    return found;
  }
}
