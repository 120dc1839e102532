import { z } from 'zod';
import { jsonOf, shaped, text, type HookDialect } from './dialect.js';
import { authorization, hubSignature } from './proof.js';

const event = z.object({
  action: text,
  package: z.object({
    owner: z.object({ login: text }),
    type: text,
    name: text,
    version: text,
  }),
});

/** What Gitea and its fork say of a package (gitea modules/structs/hook.go, services/webhook/deliver.go). */
export const giteaLike = (brand: 'gitea' | 'forgejo', sender: string): HookDialect => ({
  proofs: [hubSignature, { by: 'hmac', header: `x-${brand}-signature`, algorithm: 'sha256' }, authorization],
  parse: ({ headers, body }) => {
    const json = jsonOf(body);
    if (headers[`x-${brand}-event`] !== 'package') return [];
    const { action, package: of } = shaped(event, json, sender);
    if (action !== 'created' || of.type !== 'container') return [];
    const repository = `${of.owner.login}/${of.name}`.toLowerCase();
    return [{ repository, tag: of.version, id: headers[`x-${brand}-delivery`] }];
  },
});

export const gitea = giteaLike('gitea', 'Gitea');
