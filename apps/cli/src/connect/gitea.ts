import { bearer } from './connector.js';
import { hooksOf } from './hooks.js';

/**
 * Gitea and its fork Forgejo (gitea routers/api/v1/api.go, modules/structs/hook.go; docs at /api/swagger of an instance).
 * Only webhooks of repositories can be tested: with a `push`, which means nothing to Plinth, and is a delivery all the same.
 */
const giteaLike = (type: 'gitea' | 'forgejo') =>
  hooksOf({
    api: (host) => `https://${host}`,
    login: 'access token with the right to write repositories, or organisations',
    signer: (token) => bearer(token, 'token'),
    prefix: '/api/v1',
    page: ['limit', 50],
    kind: { type },
    events: ['package'],
    test: 'tests',
    testsOrganisations: false,
  });

export const gitea = giteaLike('gitea');
export const forgejo = giteaLike('forgejo');
