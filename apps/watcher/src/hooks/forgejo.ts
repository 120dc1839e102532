import { giteaLike } from './gitea.js';

/** Forgejo, a fork of Gitea: the same events under headers of its own name. */
export const forgejo = giteaLike('forgejo', 'Forgejo');
