import { bearer } from './connector.js';
import { hooksOf } from './hooks.js';

/** GitHub (docs.github.com/rest/repos/webhooks, docs.github.com/rest/orgs/webhooks): its test is a `ping`. */
export const github = hooksOf({
  api: () => 'https://api.github.com',
  login: 'token that may write webhooks: admin:repo_hook or admin:org_hook, or "Webhooks: write"',
  signer: (token) => bearer(token),
  prefix: '',
  page: ['per_page', 100],
  headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
  kind: { name: 'web' },
  events: ['registry_package'],
  test: 'pings',
  testsOrganisations: true,
});
