import { z } from 'zod';
import { jsonOf, shaped, text, type HookDialect } from './dialect.js';

/** Alibaba Cloud Container Registry, trigger of a repository (alibabacloud.com/help/acr, "Manage webhooks"). It signs nothing. */
const push = z.object({
  push_data: z.object({ tag: text, digest: text.optional() }),
  repository: z.object({ repo_full_name: text }),
});

export const aliyun: HookDialect = {
  proofs: [{ by: 'path' }],
  parse: ({ body }) => {
    const { push_data, repository } = shaped(push, jsonOf(body), 'Alibaba Cloud');
    return [{ repository: repository.repo_full_name, tag: push_data.tag, digest: push_data.digest }];
  },
};
