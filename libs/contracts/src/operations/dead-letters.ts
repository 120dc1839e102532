import { z } from 'zod';
import { timeSchema } from '../model/ids.js';
import { defineOperation } from '../operation.js';
import { pageInput, pageOutput } from './paging.js';

const id = z
  .string()
  .regex(/^[1-9][0-9]{0,15}$/, 'expected the id of a dead letter, a whole number')
  .describe('Id of a dead letter.');

export const deadLetterViewSchema = z.object({
  id,
  kind: z
    .enum(['Dispatch', 'Event'])
    .describe('`Dispatch`: a message of the work queue; `Event`: an event that a service cannot take, and stops at.'),
  at: timeSchema,
  source: z.string().describe('The pool of builders, or the service.'),
  cause: z.string().describe('Why it could not be processed.'),
  subject: z.string().describe('Subject in NATS that it was found at.'),
  payload: z.string(),
  replayable: z.boolean().describe('False for an event: it is still in the log.'),
});
export type DeadLetterView = z.infer<typeof deadLetterViewSchema>;

export const deadLetterOperations = {
  listDeadLetters: defineOperation({
    name: 'listDeadLetters',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/dead-letters',
    scope: 'admin',
    team: 'none',
    summary: 'List what could not be processed',
    description: 'Oldest first. Kept for 30 days, or until it is replayed.',
    input: z.object({ ...pageInput }),
    output: z.object({ deadLetters: z.array(deadLetterViewSchema), ...pageOutput }),
    errors: [],
  }),
  replayDeadLetter: defineOperation({
    name: 'replayDeadLetter',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/dead-letters/{id}/replay',
    scope: 'admin',
    team: 'none',
    summary: 'Put back what could not be processed',
    description: 'Once: the dead letter is gone afterwards. Answers what was put back.',
    input: z.object({ id }),
    output: deadLetterViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
};
