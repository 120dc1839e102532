import { z } from 'zod';
import { defineEvent } from '../event.js';
import { digestSchema, referenceSchema, runIdSchema, taskNameSchema } from '../model/ids.js';

const tag = {
  reference: referenceSchema,
  task: taskNameSchema,
  run: runIdSchema.describe('Last run of the task: what the tag is to show.'),
};

export const outputEvents = {
  'output.repaired': defineEvent({
    aggregate: 'output',
    name: 'repaired',
    version: 1,
    summary: 'A tag had gone back to an earlier run of its task, and was moved forward again.',
    data: z.object({
      ...tag,
      found: digestSchema,
      foundRun: runIdSchema.describe('Earlier run of the task that made what was found.'),
      to: digestSchema,
    }),
  }),
  'output.foreign': defineEvent({
    aggregate: 'output',
    name: 'foreign',
    version: 1,
    summary: 'A tag shows what no run of its task made: somebody else pushed it. It is left as it is.',
    data: z.object({ ...tag, found: digestSchema, expected: digestSchema }),
  }),
  'output.regained': defineEvent({
    aggregate: 'output',
    name: 'regained',
    version: 1,
    summary: 'A tag that was foreign shows what the last run of its task pushed again.',
    data: z.object(tag),
  }),
  'output.shared': defineEvent({
    aggregate: 'output',
    name: 'shared',
    version: 1,
    summary: 'Two tasks push one tag: what it shows is what the last of their runs pushed. Said once for each pair.',
    data: z.object({ reference: referenceSchema, tasks: z.tuple([taskNameSchema, taskNameSchema]) }),
  }),
};
