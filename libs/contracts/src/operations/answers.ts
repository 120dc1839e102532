import { z } from 'zod';
import {
  digestSchema,
  positionSchema,
  referenceSchema,
  runIdSchema,
  taskNameSchema,
  teamSchema,
  timeSchema,
} from '../model/ids.js';
import { defineOperation } from '../operation.js';
import { asOfInput, taskStateSchema } from './graph.js';
import { pageInput, pageOutput } from './paging.js';

/** How fresh an image is, as a letter: A is current, B not yet, C to F are stale for longer and longer. */
export const gradeSchema = z
  .enum(['A', 'B', 'C', 'D', 'F', 'None'])
  .describe(
    'A: stands on what is adopted, at every level. B: something under it is stale, or it is itself for less than a day. C: stale for less than 7 days. D: less than 30 days. F: longer. None: never built, or its inputs cannot be named.',
  );
export type Grade = z.infer<typeof gradeSchema>;

const seconds = z.number().describe('Seconds.');
const heldSchema = z
  .enum(['Unbuilt', 'Disabled', 'TriggerDisabled', 'NoBuilder'])
  .describe('Why it would not be rebuilt by itself; what stands on it stays as it is, unless it is reached otherwise.');

export const impactedSchema = z.object({
  task: taskNameSchema,
  team: z.string(),
  level: z.number().int().describe('1 for what stands on the image itself; built after every task of a lower level.'),
  through: z.array(referenceSchema).describe('Inputs of it that would move.'),
  pool: z.string(),
  usualSeconds: seconds.nullable().describe('Median of its last builds; null when it has none.'),
  startsAfterSeconds: seconds.nullable().describe('When it would start, counted from the move; null when unknown.'),
  held: heldSchema.nullable(),
});

const freshness = {
  total: z.number().int(),
  fresh: z.number().int(),
  share: z.number().describe('fresh / total, between 0 and 1; 1 where there is no task.'),
  counts: z.record(taskStateSchema, z.number().int()).describe('Tasks in each state.'),
  oldest: z
    .object({ task: taskNameSchema, since: timeSchema })
    .nullable()
    .describe('The task that has been stale or waiting for the longest.'),
};

export const answerOperations = {
  getImpact: defineOperation({
    name: 'getImpact',
    service: 'graph',
    method: 'GET',
    path: '/v1/graph/impact',
    scope: 'read',
    team: 'none',
    summary: 'What would be rebuilt if an image moved now: which tasks, in which order, and how long it takes',
    description:
      "Each task is counted once, however many ways lead to it. The time is that of today's slots with nothing else to do and every task taking what it usually takes; a task without a build of its own takes the median of all.",
    input: z.object({
      reference: referenceSchema.optional(),
      task: taskNameSchema.optional().describe('Instead of an image: everything that this task pushes.'),
      ...asOfInput,
      ...pageInput,
    }),
    output: z.object({
      text: z.string().describe('The answer as a sentence.'),
      references: z.array(referenceSchema),
      builds: z.number().int(),
      depth: z.number().int(),
      held: z.number().int().describe('Tasks that it would reach and that would not be rebuilt by themselves.'),
      seconds: seconds.nullable().describe('Until the last build ends; null when no task was ever built.'),
      slots: z.array(z.object({ pool: z.string(), slots: z.number().int() })),
      tasks: z.array(impactedSchema).describe('In the order in which they would start; the held ones at the end.'),
      position: positionSchema,
      ...pageOutput,
    }),
    errors: ['NOT_FOUND'],
  }),
  getCurrent: defineOperation({
    name: 'getCurrent',
    service: 'graph',
    method: 'GET',
    path: '/v1/graph/current',
    scope: 'read',
    team: 'none',
    summary: 'How much of the estate is fresh: of all, of each team, and a grade for each image',
    input: z.object({
      team: teamSchema.optional().describe('Only tasks of this team.'),
      grade: gradeSchema.optional().describe('Only images of this grade; the counts are of all.'),
      ...asOfInput,
      ...pageInput,
    }),
    output: z.object({
      text: z.string().describe('The answer as a sentence.'),
      ...freshness,
      teams: z.array(z.object({ team: z.string(), ...freshness })),
      images: z.array(
        z.object({
          reference: referenceSchema,
          task: taskNameSchema.describe('Task that pushes it.'),
          team: z.string(),
          grade: gradeSchema,
          state: taskStateSchema,
          since: timeSchema.nullable().describe('Since when it is stale or waiting.'),
        }),
      ),
      position: positionSchema,
      ...pageOutput,
    }),
    errors: [],
  }),
  listContaining: defineOperation({
    name: 'listContaining',
    service: 'graph',
    method: 'GET',
    path: '/v1/graph/contains',
    scope: 'read',
    team: 'none',
    summary: 'Which images were built on a digest and still stand on it, at any depth',
    description:
      'For the day on which a base turns out to be bad. Every image that a run pushed, tagged for good or for a while, whose tag still shows what that run pushed. The digest may be that of an index or of one platform.',
    input: z.object({
      digest: digestSchema,
      all: z.stringbool().optional().describe('Also images that a later push has replaced.'),
      ...asOfInput,
      ...pageInput,
    }),
    output: z.object({
      text: z.string().describe('The answer as a sentence.'),
      references: z.array(referenceSchema).describe('References that are known to have shown this digest.'),
      standing: z.number().int().describe('Images that still stand on it.'),
      ever: z.number().int().describe('Images that were ever built on it.'),
      images: z.array(
        z.object({
          reference: referenceSchema,
          digest: digestSchema,
          run: runIdSchema,
          task: taskNameSchema.nullable(),
          builtAt: timeSchema,
          depth: z.number().int().describe('1 for an image that was built on the digest itself.'),
          through: digestSchema.describe('The digest of the level before that it was built on.'),
          standing: z.boolean().describe('The reference still shows it.'),
        }),
      ),
      position: positionSchema,
      ...pageOutput,
    }),
    errors: [],
  }),
};
