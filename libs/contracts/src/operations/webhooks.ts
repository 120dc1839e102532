import { z } from 'zod';
import { positionSchema, teamSchema, timeSchema } from '../model/ids.js';
import {
  deliverySchema,
  webhookDefinitionSchema,
  webhookDisabledBySchema,
  webhookNameSchema,
  webhookPatternSchema,
  webhookUrlSchema,
} from '../model/webhook.js';
import { statusSchema } from '../model/task.js';
import { defineOperation } from '../operation.js';
import { empty, pageInput, pageOutput } from './paging.js';

export const webhookViewSchema = webhookDefinitionSchema.extend({
  etag: z.string(),
  createdAt: timeSchema,
  disabled: z
    .object({ by: webhookDisabledBySchema, at: timeSchema, message: z.string() })
    .nullable()
    .describe('Why nothing is delivered; null while it is enabled.'),
  position: positionSchema.describe('Events up to here were delivered, or are of types that it does not want.'),
  failing: z
    .object({
      position: positionSchema,
      attempts: z.number().int(),
      nextAttemptAt: timeSchema,
      error: z.string(),
    })
    .nullable()
    .describe('The delivery that is being tried again; those after it wait.'),
  replays: z.array(z.object({ from: positionSchema, to: positionSchema })).describe('Replays that are not done yet.'),
  previousSecretUntil: timeSchema.nullable().describe('Until then deliveries are signed with the secret before, too.'),
});
export type WebhookView = z.infer<typeof webhookViewSchema>;

const name = { name: webhookNameSchema };
const eventTypes = z.array(webhookPatternSchema).min(1).max(64);
const secret = z.string().describe('`whsec_…`, to check signatures with (Standard Webhooks).');
const owned = { of: 'webhook', by: 'name' } as const;

export const webhookOperations = {
  createWebhook: defineOperation({
    name: 'createWebhook',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/webhooks',
    scope: 'write',
    team: 'named',
    status: 201,
    summary: 'Make a webhook',
    description: 'Events from now on are posted to it, signed by Standard Webhooks. The secret is answered this once.',
    answersSecret: true,
    input: z.strictObject({
      ...name,
      url: webhookUrlSchema,
      eventTypes,
      team: teamSchema.optional().describe("Owning team; the token's by default."),
      status: statusSchema.default('Enabled'),
    }),
    output: webhookViewSchema.extend({ secret }),
    errors: ['ALREADY_EXISTS'],
  }),
  listWebhooks: defineOperation({
    name: 'listWebhooks',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/webhooks',
    scope: 'write',
    team: 'own',
    summary: 'List webhooks',
    input: z.object({ ...pageInput }),
    output: z.object({ webhooks: z.array(webhookViewSchema), ...pageOutput }),
    errors: [],
  }),
  getWebhook: defineOperation({
    name: 'getWebhook',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/webhooks/{name}',
    scope: 'write',
    team: owned,
    summary: 'Show a webhook',
    input: z.object(name),
    output: webhookViewSchema,
    errors: ['NOT_FOUND'],
  }),
  updateWebhook: defineOperation({
    name: 'updateWebhook',
    service: 'scheduler',
    method: 'PATCH',
    path: '/v1/webhooks/{name}',
    scope: 'write',
    team: owned,
    summary: 'Change a webhook',
    description: 'Absent fields stay. One that is enabled again goes on where it stopped.',
    input: z.strictObject({
      ...name,
      url: webhookUrlSchema.optional(),
      eventTypes: eventTypes.optional(),
      status: statusSchema.optional(),
    }),
    output: webhookViewSchema,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH', 'CONFLICT'],
  }),
  deleteWebhook: defineOperation({
    name: 'deleteWebhook',
    service: 'scheduler',
    method: 'DELETE',
    path: '/v1/webhooks/{name}',
    scope: 'write',
    team: owned,
    summary: 'Delete a webhook',
    input: z.object(name),
    output: empty,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH'],
  }),
  rotateWebhookSecret: defineOperation({
    name: 'rotateWebhookSecret',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/webhooks/{name}/secret',
    scope: 'write',
    team: owned,
    summary: 'Give a webhook a new secret',
    description:
      'Answered this once. Deliveries are signed with both for 24 hours: receivers take whichever they know.',
    answersSecret: true,
    input: z.strictObject(name),
    output: z.object({ secret, previousSecretUntil: timeSchema }),
    errors: ['NOT_FOUND', 'CONFLICT'],
  }),
  testWebhook: defineOperation({
    name: 'testWebhook',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/webhooks/{name}/test',
    scope: 'write',
    team: owned,
    summary: 'Post a test to a webhook now',
    description: 'One try, of the type `webhook.test`; answers how it went. A disabled webhook is tested too.',
    input: z.strictObject(name),
    output: deliverySchema,
    errors: ['NOT_FOUND'],
  }),
  listDeliveries: defineOperation({
    name: 'listDeliveries',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/webhooks/{name}/deliveries',
    scope: 'write',
    team: owned,
    summary: 'List deliveries of a webhook, newest first',
    description: 'The last 100, each with its last try.',
    input: z.object({ ...name, ...pageInput }),
    output: z.object({ deliveries: z.array(deliverySchema), ...pageOutput }),
    errors: ['NOT_FOUND'],
  }),
  replayWebhook: defineOperation({
    name: 'replayWebhook',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/webhooks/{name}/replay',
    scope: 'write',
    team: owned,
    status: 202,
    summary: 'Deliver the events of a part of the log again',
    description: 'Those of its types, in order, beside what happens now, with the `webhook-id` that they had.',
    input: z.strictObject({
      ...name,
      from: z.number().int().min(1).describe('Position of the first event.'),
      to: z.number().int().min(1).describe('Position of the last event.'),
    }),
    output: webhookViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION', 'CONFLICT'],
  }),
};
