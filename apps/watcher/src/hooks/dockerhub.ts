import { z } from 'zod';
import { jsonOf, shaped, text, type HookDialect } from './dialect.js';

/**
 * Docker Hub (docs.docker.com/docker-hub/repos/manage/webhooks). It signs nothing, sends no header of ours and no
 * digest. Its `callback_url` is never called: who knows the path could make us call anything.
 */
const push = z.object({
  push_data: z.object({ tag: text }),
  repository: z.object({ repo_name: text }),
});

export const dockerhub: HookDialect = {
  proofs: [{ by: 'path' }],
  parse: ({ body }) => {
    const { push_data, repository } = shaped(push, jsonOf(body), 'Docker Hub');
    return [{ repository: repository.repo_name, tag: push_data.tag }];
  },
};
