import { z } from 'zod';
import { defineEvent } from '../event.js';
import { positionSchema, timeSchema } from '../model/ids.js';
import { webhookDefinitionSchema, webhookDisabledBySchema, webhookNameSchema } from '../model/webhook.js';

const webhook = webhookNameSchema;
const definition = webhookDefinitionSchema;
const by = z.string();
const version = z.number().int().min(1).describe('Version of the stored secret that deliveries are signed with.');

export const webhookEvents = {
  'webhook.created': defineEvent({
    aggregate: 'webhook',
    name: 'created',
    version: 1,
    summary: 'A webhook was made: events from here on are delivered to it.',
    data: z.object({ definition, secretVersion: version, by }),
  }),
  'webhook.updated': defineEvent({
    aggregate: 'webhook',
    name: 'updated',
    version: 1,
    summary: 'A webhook was changed; the event carries the whole definition.',
    data: z.object({ definition, by }),
  }),
  'webhook.secret-rotated': defineEvent({
    aggregate: 'webhook',
    name: 'secret-rotated',
    version: 1,
    summary: 'A webhook signs with a new secret, and for a while with the one before too.',
    data: z.object({ webhook, secretVersion: version, previousUntil: timeSchema, by }),
  }),
  'webhook.replay-requested': defineEvent({
    aggregate: 'webhook',
    name: 'replay-requested',
    version: 1,
    summary: 'Somebody wants the events of a part of the log delivered again.',
    data: z.object({ webhook, from: positionSchema, to: positionSchema, by }),
  }),
  'webhook.disabled': defineEvent({
    aggregate: 'webhook',
    name: 'disabled',
    version: 1,
    summary: 'Plinth delivers nothing more to a webhook, for the endpoint is gone or failed for too long.',
    data: z.object({
      webhook,
      reason: webhookDisabledBySchema,
      position: positionSchema.describe('Position of the event that could not be delivered.'),
      message: z.string(),
    }),
  }),
  'webhook.deleted': defineEvent({
    aggregate: 'webhook',
    name: 'deleted',
    version: 1,
    summary: 'A webhook was deleted.',
    data: z.object({ webhook, by }),
  }),
};
