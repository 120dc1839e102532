import { z } from 'zod';
import { defineEvent } from '../event.js';
import { causeSchema } from '../model/cause.js';
import { positionSchema, taskNameSchema } from '../model/ids.js';
import { pinSchema } from '../model/image.js';

export const rebuildEvents = {
  'rebuild.due': defineEvent({
    aggregate: 'rebuild',
    name: 'due',
    version: 1,
    summary: 'A task is stale, is rebuilt automatically, and nothing upstream will still change: an offer to build it.',
    data: z.object({
      task: taskNameSchema,
      key: z.string().describe('Input key: hash of the task and its tracked inputs as they are at `basis`.'),
      causes: z.array(causeSchema).min(1),
      pins: z.array(pinSchema),
      sourceRevision: z.string().nullable().describe('Revision to build; null for whatever the context has now.'),
      basis: positionSchema.describe('Position that the decision was taken at.'),
      waves: z.array(z.string()),
      recreated: z
        .literal(true)
        .optional()
        .describe('Nothing had told of it: the periodic comparison of everything found it.'),
    }),
  }),
  'rebuild.blocked': defineEvent({
    aggregate: 'rebuild',
    name: 'blocked',
    version: 1,
    summary: 'A task is stale, and this is why it is not rebuilt yet. An offer that was open is withdrawn.',
    data: z.object({
      task: taskNameSchema,
      reason: z
        .enum(['UpstreamPending', 'Disabled', 'TriggerDisabled', 'CircuitOpen', 'Declined', 'Settling', 'Running'])
        .describe('Running: a run that a person asked for was started first; it may build the same.'),
      by: z.array(z.string()).describe('What it waits for: tasks, references or runs.'),
      basis: positionSchema,
    }),
  }),
  'rebuild.settled': defineEvent({
    aggregate: 'rebuild',
    name: 'settled',
    version: 1,
    summary: 'A task is not stale (any more). An offer that was open is withdrawn.',
    data: z.object({ task: taskNameSchema, basis: positionSchema }),
  }),
};
