import { z } from 'zod';
import { jsonOf, shaped, text, type HookDialect } from './dialect.js';
import { authorization } from './proof.js';

/**
 * Amazon ECR by an EventBridge rule with an API destination
 * (docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html): pushes, and what a pull-through cache fetched.
 * Best effort, says the sender. An event names account and region, which make the host.
 */
const event = z.object({
  id: text.optional(),
  source: text,
  'detail-type': text,
  account: text,
  region: text,
  detail: z.object({
    'action-type': text.optional(),
    result: text.optional(),
    'sync-status': text.optional(),
    'repository-name': text.optional(),
    'image-tag': text.optional(),
    'image-digest': text.optional(),
  }),
});

const hostOf = (account: string, region: string): string =>
  `${account}.dkr.ecr.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;

export const ecr: HookDialect = {
  proofs: [authorization, { by: 'header', name: 'x-api-key' }],
  parse: ({ body }) => {
    const { id, source, account, region, detail, ...rest } = shaped(event, jsonOf(body), 'Amazon ECR');
    const kind = rest['detail-type'];
    const pushed = kind === 'ECR Image Action' && detail['action-type'] === 'PUSH' && detail.result === 'SUCCESS';
    const cached = kind === 'ECR Pull Through Cache Action' && detail['sync-status'] === 'SUCCESS';
    const { 'repository-name': repository, 'image-tag': tag, 'image-digest': digest } = detail;
    if (source !== 'aws.ecr' || !(pushed || cached) || !repository || !tag) return [];
    return [{ host: hostOf(account, region), repository, tag, digest, id }];
  },
};
