import type { Authenticator } from './principal.js';

/** Asks one after the other, until one knows the token or refuses it for good. */
export const firstOf = (authenticators: readonly Authenticator[]): Authenticator => ({
  authenticate: async (token) => {
    for (const authenticator of authenticators) {
      const principal = await authenticator.authenticate(token);
      if (principal) return principal;
    }
    return undefined;
  },
});
