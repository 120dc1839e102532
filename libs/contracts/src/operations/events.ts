import { z } from 'zod';
import { positionSchema, timeSchema } from '../model/ids.js';
import { defineOperation } from '../operation.js';

/** An event of the log as the APIs show it: a CloudEvent with its position. */
export const eventViewSchema = z.object({
  position: positionSchema,
  id: z.string(),
  type: z.string().describe('`tag.moved`, `run.succeeded` …'),
  subject: z.string().describe('Id of the aggregate: a reference, a task name, a run id …'),
  time: timeSchema,
  causation: z.string().nullable().describe('Id of the event that led to this one.'),
  data: z.unknown(),
});
export type EventView = z.infer<typeof eventViewSchema>;

export const eventOperations = {
  watchEvents: defineOperation({
    name: 'watchEvents',
    service: 'every',
    method: 'GET',
    path: '/v1/events',
    scope: 'read',
    team: 'none',
    summary: 'Follow the events',
    kind: 'stream',
    as: 'sse',
    description:
      'Resumes after `after`, or after `Last-Event-ID`; without either it begins with what happens next. Ids are positions of the log.',
    input: z.object({
      after: z.coerce.number().int().nonnegative().optional(),
      types: z.string().max(1024).optional().describe('Comma-separated types or aggregates: `tag.moved,run`.'),
    }),
    output: eventViewSchema,
    errors: [],
  }),
};
