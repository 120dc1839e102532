import { z } from 'zod';
import { teamSchema, timeSchema } from './ids.js';
import { statusSchema } from './task.js';

export const webhookNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected 1 to 63 letters, digits, `.`, `_` or `-`')
  .describe('Name of a webhook.');

export const webhookUrlSchema = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s]+$/, 'expected an https:// URL (http:// only to networks that the operator lists)')
  .describe('Where deliveries are posted. Everybody who reads events sees it: put no secret into it.');

export const webhookPatternSchema = z
  .string()
  .regex(/^(?:\*|[a-z]+\.(?:\*|[a-z][a-z-]*))$/, 'expected a type such as run.succeeded, or run.*, wave.*, tag.*, *')
  .describe('Type of an event, `run.succeeded`; or several: `run.*`, `wave.*`, `tag.*`, `*`.');

export const webhookDefinitionSchema = z.object({
  name: webhookNameSchema,
  url: webhookUrlSchema,
  eventTypes: z.array(webhookPatternSchema).min(1).max(64),
  team: teamSchema,
  status: statusSchema,
});
export type WebhookDefinition = z.infer<typeof webhookDefinitionSchema>;

export const webhookDisabledBySchema = z
  .enum(['Request', 'Gone', 'Exhausted'])
  .describe('`Request`: a person. `Gone`: the endpoint answered 410. `Exhausted`: the last try of a delivery failed.');

/** One try after another to deliver one event. */
export const deliverySchema = z.object({
  position: z.number().int().nonnegative().describe('Position of the event in the log; 0 for a test.'),
  messageId: z.string().describe('`webhook-id`: the same at every try, and when it is replayed.'),
  type: z.string(),
  outcome: z.enum(['Delivered', 'Failed']).describe('Of the last try.'),
  attempts: z.number().int().min(1),
  at: timeSchema.describe('When the last try ended.'),
  httpStatus: z.number().int().nullable().describe('Null when nothing was answered.'),
  error: z.string().nullable().describe('Why the last try failed.'),
  replay: z.boolean().describe('Asked for by a person.'),
});
export type Delivery = z.infer<typeof deliverySchema>;
