import { distribution } from './distribution.js';
import type { HookDialect } from './dialect.js';

/**
 * GitLab's own registry, self-managed: it is CNCF Distribution at heart and sends the same (GitLab docs,
 * administration/packages/container_registry, "Configure container registry notifications"). gitlab.com sends none.
 */
export const gitlab: HookDialect = distribution;
