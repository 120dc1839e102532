import { z } from 'zod';
import { causeSchema } from '../model/cause.js';
import {
  digestSchema,
  platformSchema,
  runIdSchema,
  teamSchema,
  taskNameSchema,
  timeSchema,
  referenceSchema,
} from '../model/ids.js';
import { outputSchema, pinSchema, usedInputSchema } from '../model/image.js';
import { dockerStepSchema, platformPropertiesSchema, taskPropertiesSchema } from '../model/task.js';
import { defineOperation } from '../operation.js';
import { pageInput, pageOutput } from './paging.js';

/** ACR's eight, in its spelling (RunStatus). Succeeded, Failed, Canceled, Error and Timeout are final. */
export const runStatusSchema = z.enum([
  'Queued',
  'Started',
  'Running',
  'Succeeded',
  'Failed',
  'Canceled',
  'Error',
  'Timeout',
]);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const attemptSchema = z.object({
  number: z.number().int(),
  status: runStatusSchema,
  builder: z.string().nullable(),
  engine: z.string().nullable(),
  isolation: z.string().nullable(),
  startedAt: timeSchema.nullable(),
  finishedAt: timeSchema.nullable(),
  message: z.string().nullable(),
});

export const runViewSchema = z.object({
  runId: runIdSchema,
  task: taskNameSchema.nullable(),
  team: z.string(),
  status: runStatusSchema,
  runType: z.enum(['AutoBuild', 'QuickBuild']),
  agentPoolName: z.string(),
  platforms: z.array(platformSchema),
  platform: platformPropertiesSchema,
  createTime: timeSchema,
  startTime: timeSchema.nullable(),
  finishTime: timeSchema.nullable(),
  lastUpdatedTime: timeSchema,
  runErrorMessage: z.string().nullable(),
  causes: z.array(causeSchema).describe('Why it exists.'),
  imageUpdateTrigger: z
    .object({
      id: z.string(),
      timestamp: timeSchema,
      images: z.array(
        z.object({ registry: z.string(), repository: z.string(), tag: z.string(), digest: digestSchema }),
      ),
    })
    .nullable()
    .describe("ACR's view of the causes that are moved base images."),
  pins: z.array(pinSchema).describe('Digests that it was asked to build on.'),
  inputs: z.array(usedInputSchema).describe('Images that it used.'),
  outputs: z.array(outputSchema),
  outputImages: z
    .array(z.object({ registry: z.string(), repository: z.string(), tag: z.string(), digest: digestSchema }))
    .describe("ACR's view of the outputs."),
  sourceRevision: z.string().nullable(),
  unchanged: z.boolean().nullable(),
  overridden: z.boolean(),
  key: z.string().nullable(),
  waves: z.array(z.string()),
  attempts: z.array(attemptSchema),
});
export type RunView = z.infer<typeof runViewSchema>;

export const logLineSchema = z.object({
  offset: z.number().int().nonnegative().describe('Number of the line, from 0; `after` takes it.'),
  at: timeSchema,
  stream: z.enum(['stdout', 'stderr', 'plinth']),
  step: z.string().nullable(),
  text: z.string(),
  progress: z
    .object({
      attempt: z.number().int(),
      status: z.enum(['Started', 'Cached', 'Done', 'Failed']),
      milliseconds: z.number().int().nonnegative().nullable().describe('How long it took, where the engine says so.'),
    })
    .optional()
    .describe('What the line says of its step, as data; on lines of the stream `plinth` alone.'),
});
export type LogLine = z.infer<typeof logLineSchema>;

export const runStepSchema = z.object({
  name: z.string().describe("In the engine's words."),
  status: z
    .enum(['Running', 'Cached', 'Succeeded', 'Failed', 'Canceled'])
    .describe('Canceled is what had not ended when the run did.'),
  startTime: timeSchema,
  milliseconds: z.number().int().nonnegative().nullable().describe('How long it took; null while it runs.'),
  lines: z.number().int().nonnegative().describe('Lines that it printed.'),
});
export type RunStep = z.infer<typeof runStepSchema>;

const run = { run: runIdSchema };

export const runOperations = {
  listRuns: defineOperation({
    name: 'listRuns',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/runs',
    scope: 'read',
    team: 'none',
    summary: 'List runs, newest first',
    input: z.object({
      task: taskNameSchema.optional(),
      status: runStatusSchema.optional(),
      wave: z.string().max(64).optional(),
      image: referenceSchema.optional().describe('Only runs that pushed this name.'),
      ...pageInput,
    }),
    output: z.object({
      runs: z.array(runViewSchema),
      counts: z
        .object({ queued: z.number().int(), running: z.number().int().describe('Those that a builder holds.') })
        .describe('All runs that have not ended, whatever was asked for.'),
      ...pageOutput,
    }),
    errors: [],
  }),
  getRun: defineOperation({
    name: 'getRun',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/runs/{run}',
    scope: 'read',
    team: 'none',
    summary: 'Show a run',
    input: z.object(run),
    output: runViewSchema,
    errors: ['NOT_FOUND'],
  }),
  cancelRun: defineOperation({
    name: 'cancelRun',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/runs/{run}/cancel',
    scope: 'run',
    team: { of: 'run', by: 'run' },
    summary: 'Cancel a run',
    description: 'A run that has ended stays as it is.',
    status: 202,
    input: z.object(run),
    output: runViewSchema,
    errors: ['NOT_FOUND', 'CONFLICT'],
  }),
  retryRun: defineOperation({
    name: 'retryRun',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/runs/{run}/retry',
    scope: 'run',
    team: { of: 'run', by: 'run' },
    summary: 'Run a run again',
    description:
      'A new run of the same definition and source. It becomes the standing run only when that is still the definition of its task.',
    status: 202,
    input: z.object(run),
    output: runViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
  scheduleRun: defineOperation({
    name: 'scheduleRun',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/runs',
    scope: 'write',
    team: 'named',
    summary: 'Build once, without a task',
    description: "ACR's quick build: the images are pushed and nothing tracks what they stand on.",
    status: 202,
    input: z.strictObject({
      type: z.literal('DockerBuildRequest'),
      sourceLocation: dockerStepSchema.shape.contextPath,
      contextAccessToken: dockerStepSchema.shape.contextAccessToken,
      dockerFilePath: dockerStepSchema.shape.dockerFilePath,
      imageNames: dockerStepSchema.shape.imageNames,
      isPushEnabled: dockerStepSchema.shape.isPushEnabled,
      noCache: dockerStepSchema.shape.noCache,
      target: dockerStepSchema.shape.target,
      arguments: dockerStepSchema.shape.arguments,
      platforms: taskPropertiesSchema.shape.platforms,
      platform: taskPropertiesSchema.shape.platform,
      agentConfiguration: taskPropertiesSchema.shape.agentConfiguration,
      agentPoolName: taskPropertiesSchema.shape.agentPoolName,
      timeout: taskPropertiesSchema.shape.timeout,
      team: teamSchema.describe("Owning team; the token's by default.").optional(),
    }),
    output: runViewSchema,
    errors: [],
  }),
  listRunSteps: defineOperation({
    name: 'listRunSteps',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/runs/{run}/steps',
    scope: 'read',
    team: 'none',
    summary: 'List the steps of a run, in the order in which they began',
    description: 'Those of its last attempt that built. A run that was put back without a build has none.',
    input: z.object(run),
    output: z.object({ attempt: z.number().int().nullable(), steps: z.array(runStepSchema) }),
    errors: ['NOT_FOUND'],
  }),
  getRunLogs: defineOperation({
    name: 'getRunLogs',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/runs/{run}/logs',
    scope: 'read',
    team: 'none',
    summary: 'Read the log of a run',
    kind: 'stream',
    as: 'sse',
    description: 'Ends at the end of the log; with `follow` it waits for the run to end.',
    input: z.object({
      ...run,
      after: z.coerce.number().int().min(-1).optional().describe('Only lines after this offset.'),
      follow: z.stringbool().optional(),
    }),
    output: logLineSchema,
    errors: ['NOT_FOUND'],
  }),
};
