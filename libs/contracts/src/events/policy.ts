import { z } from 'zod';
import { defineEvent } from '../event.js';
import { policyDefinitionSchema, policyNameSchema } from '../model/policy.js';

const definition = z.object({ definition: policyDefinitionSchema });

export const policyEvents = {
  'policy.created': defineEvent({
    aggregate: 'policy',
    name: 'created',
    version: 1,
    summary: 'An adoption policy was made: what it is for, and what it asks of a digest.',
    data: definition,
  }),
  'policy.updated': defineEvent({
    aggregate: 'policy',
    name: 'updated',
    version: 1,
    summary: 'An adoption policy was changed; the event carries all of it.',
    data: definition,
  }),
  'policy.deleted': defineEvent({
    aggregate: 'policy',
    name: 'deleted',
    version: 1,
    summary: 'An adoption policy was deleted. What it held is judged by the one that fits next.',
    data: z.object({ name: policyNameSchema }),
  }),
};
