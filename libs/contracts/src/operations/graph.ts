import { z } from 'zod';
import { causeSchema, seenBySchema } from '../model/cause.js';
import {
  digestSchema,
  platformSchema,
  positionSchema,
  referenceSchema,
  runIdSchema,
  taskNameSchema,
  teamSchema,
  timeSchema,
} from '../model/ids.js';
import { inputRoleSchema, inputViaSchema } from '../model/image.js';
import { defineOperation } from '../operation.js';
import { pageInput, pageOutput } from './paging.js';

export const taskStateSchema = z
  .enum(['Fresh', 'Behind', 'Stale', 'Blocked', 'Unbuilt', 'Unknown'])
  .describe(
    'Fresh: stands on what is adopted. Behind: fresh, but something upstream is not. Stale: will be rebuilt. Blocked: stale, and something must happen first. Unbuilt: never built. Unknown: its inputs cannot be named.',
  );
export type TaskState = z.infer<typeof taskStateSchema>;

export const sentenceSchema = z.object({
  code: z.string().describe('Reason, for machines.'),
  text: z.string().describe('The same as a sentence.'),
  reference: referenceSchema.nullable(),
  from: digestSchema.nullable(),
  to: digestSchema.nullable(),
  at: timeSchema.nullable(),
});
export type Sentence = z.infer<typeof sentenceSchema>;

export const taskStateViewSchema = z.object({
  task: taskNameSchema,
  team: z.string(),
  state: taskStateSchema,
  pending: z.boolean().describe('It will still change what it publishes, without a person.'),
  reasons: z.array(sentenceSchema),
  loop: z.array(taskNameSchema).describe('The loop that it is part of, as a path; empty for none.'),
  waves: z.array(z.string()),
});
export type TaskStateView = z.infer<typeof taskStateViewSchema>;

export const dependantSchema = z.object({
  task: taskNameSchema,
  reference: referenceSchema.describe('Input through which it depends.'),
  roles: z.array(inputRoleSchema),
  platforms: z.array(platformSchema),
  depth: z.number().int().describe('1 for a direct one.'),
  upstream: taskNameSchema
    .nullable()
    .describe('Task of the level above that pushes that input; null on the first level.'),
  tracked: z.boolean(),
  state: taskStateSchema,
});

export const inputEdgeSchema = z.object({
  task: taskNameSchema,
  reference: referenceSchema,
  role: inputRoleSchema,
  via: inputViaSchema,
  platforms: z.array(platformSchema),
  depth: z.number().int(),
  tracked: z.boolean(),
  pinned: z.boolean(),
  adopted: digestSchema.nullable(),
  used: digestSchema.nullable(),
  upstream: z.array(taskNameSchema).describe('Tasks that push it.'),
});

export const waveViewSchema = z.object({
  wave: z.string(),
  reference: referenceSchema,
  from: digestSchema.nullable(),
  to: digestSchema,
  seenBy: seenBySchema,
  hintedAt: timeSchema.nullable(),
  openedAt: timeSchema,
  closedAt: timeSchema.nullable(),
  tasks: z.number().int(),
  depth: z.number().int(),
  counts: z.object({
    waiting: z.number().int(),
    running: z.number().int(),
    built: z.number().int(),
    unchanged: z.number().int(),
    restored: z.number().int(),
    rebased: z.number().int(),
    failed: z.number().int(),
    excused: z.number().int(),
  }),
});
export type WaveView = z.infer<typeof waveViewSchema>;

/** A moment of the past: a question that takes it is answered as it would have been then. */
export const asOfInput = {
  asOf: z
    .string()
    .regex(
      /^(?:[0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(?:Z|[+-][0-9]{2}:[0-9]{2}))$/,
      'expected a position of the log like 4711, or a time like 2026-11-23T14:00:00Z',
    )
    .optional()
    .describe(
      'As it was at this position of the log, or at this time (RFC 3339); now when absent. The past is replayed from the log: the first question about a moment takes a second for every 30,000 events before it.',
    ),
};

const subject = {
  reference: referenceSchema.optional(),
  task: taskNameSchema.optional(),
};
const transitive = z.stringbool().optional().describe('All levels; only the direct ones by default.');

export const graphOperations = {
  listDependants: defineOperation({
    name: 'listDependants',
    service: 'graph',
    method: 'GET',
    path: '/v1/graph/dependants',
    scope: 'read',
    team: 'none',
    summary: 'Which tasks stand on an image, or on what a task pushes',
    input: z.object({ ...subject, transitive, ...asOfInput, ...pageInput }),
    output: z.object({
      dependants: z.array(dependantSchema),
      total: z.number().int(),
      depth: z.number().int(),
      ...pageOutput,
    }),
    errors: ['NOT_FOUND'],
  }),
  listInputs: defineOperation({
    name: 'listInputs',
    service: 'graph',
    method: 'GET',
    path: '/v1/graph/inputs',
    scope: 'read',
    team: 'none',
    summary: 'Which images a task, or an image that a task pushes, stands on',
    input: z.object({ ...subject, transitive, ...asOfInput, ...pageInput }),
    output: z.object({ inputs: z.array(inputEdgeSchema), total: z.number().int(), ...pageOutput }),
    errors: ['NOT_FOUND'],
  }),
  listStates: defineOperation({
    name: 'listStates',
    service: 'graph',
    method: 'GET',
    path: '/v1/graph/states',
    scope: 'read',
    team: 'none',
    summary: 'The state of every task, with why',
    input: z.object({
      state: taskStateSchema.optional(),
      current: z.stringbool().optional().describe('`false`: only what is Stale or Blocked; `true`: only the others.'),
      task: taskNameSchema.optional(),
      team: teamSchema.optional().describe('Only tasks of this team; the counts are of it, too.'),
      ...asOfInput,
      ...pageInput,
    }),
    output: z.object({
      states: z.array(taskStateViewSchema),
      counts: z.record(taskStateSchema, z.number().int()).describe('Tasks in each state.'),
      ...pageOutput,
    }),
    errors: [],
  }),
  explain: defineOperation({
    name: 'explain',
    service: 'graph',
    method: 'GET',
    path: '/v1/graph/explain',
    scope: 'read',
    team: 'none',
    summary: 'Why: of a task, an image or a run',
    description:
      'A task: why it is stale, behind or blocked. A run, or the run that pushed an image: back to the change that began it.',
    input: z.object({ ...subject, run: runIdSchema.optional(), ...asOfInput }),
    output: z.object({
      subject: z.string(),
      state: taskStateSchema.nullable(),
      sentences: z.array(sentenceSchema).describe('The first one is the answer; the others lead back to the root.'),
      causes: z.array(causeSchema),
      run: runIdSchema.nullable(),
      position: positionSchema,
    }),
    errors: ['NOT_FOUND'],
  }),
  listWaves: defineOperation({
    name: 'listWaves',
    service: 'graph',
    method: 'GET',
    path: '/v1/waves',
    scope: 'read',
    team: 'none',
    summary: 'List waves, newest first',
    input: z.object({ open: z.stringbool().optional(), ...pageInput }),
    output: z.object({ waves: z.array(waveViewSchema), ...pageOutput }),
    errors: [],
  }),
  getWave: defineOperation({
    name: 'getWave',
    service: 'graph',
    method: 'GET',
    path: '/v1/waves/{wave}',
    scope: 'read',
    team: 'none',
    summary: 'Show a wave',
    input: z.object({ wave: z.string().max(64) }),
    output: waveViewSchema.extend({
      members: z.array(
        z.object({ task: taskNameSchema, level: z.number().int(), status: z.string(), run: runIdSchema.nullable() }),
      ),
    }),
    errors: ['NOT_FOUND'],
  }),
};
