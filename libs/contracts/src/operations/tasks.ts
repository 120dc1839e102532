import { z } from 'zod';
import {
  appliedBySchema,
  runIdSchema,
  taskNameSchema,
  teamSchema,
  timeSchema,
  digestSchema,
  platformSchema,
} from '../model/ids.js';
import { scannedInputSchema } from '../model/image.js';
import {
  agentConfigurationSchema,
  argumentSchema,
  baseImageTriggerSchema,
  dockerStepSchema,
  platformPropertiesSchema,
  statusSchema,
  taskPropertiesSchema,
  taskResourceSchema,
} from '../model/task.js';
import { defineOperation } from '../operation.js';
import { empty, pageInput, pageOutput } from './paging.js';
import { runViewSchema } from './runs.js';

export const taskInputViewSchema = scannedInputSchema.extend({
  tracked: z.boolean().describe('A move of it makes the task stale.'),
  used: digestSchema.nullable().describe('Digest that the last good run used.'),
});

export const taskViewSchema = taskPropertiesSchema.extend({
  name: taskNameSchema,
  team: z.string(),
  platforms: z.array(platformSchema),
  platform: platformPropertiesSchema,
  appliedBy: appliedBySchema.optional(),
  creationDate: timeSchema,
  provisioningState: z.enum(['Succeeded']),
  etag: z.string(),
  inputsStatus: z
    .enum(['Scanning', 'Known', 'Unknown'])
    .describe(
      'Scanning: its Dockerfile is being read; `inputsReason` says what keeps it from being, if anything does.',
    ),
  inputsReason: z.string().nullable().describe('Why the inputs are unknown.'),
  inputs: z.array(taskInputViewSchema),
  circuit: z
    .object({ reason: z.string(), retryAt: timeSchema })
    .nullable()
    .describe('Set while rebuilding is held because it failed too often.'),
  standingRun: runIdSchema.nullable().describe('Last successful run of this definition.'),
  lastRun: runIdSchema.nullable(),
});
export type TaskView = z.infer<typeof taskViewSchema>;

const name = { name: taskNameSchema };

export const taskOperations = {
  createTask: defineOperation({
    name: 'createTask',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/tasks',
    scope: 'write',
    team: 'named',
    status: 201,
    summary: 'Create a task',
    input: taskResourceSchema,
    output: taskViewSchema,
    errors: ['ALREADY_EXISTS'],
  }),
  listTasks: defineOperation({
    name: 'listTasks',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/tasks',
    scope: 'read',
    team: 'none',
    summary: 'List tasks',
    input: z.object({ team: teamSchema.optional(), ...pageInput }),
    output: z.object({ tasks: z.array(taskViewSchema), ...pageOutput }),
    errors: [],
  }),
  getTask: defineOperation({
    name: 'getTask',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/tasks/{name}',
    scope: 'read',
    team: 'none',
    summary: 'Show a task',
    input: z.object(name),
    output: taskViewSchema,
    errors: ['NOT_FOUND'],
  }),
  updateTask: defineOperation({
    name: 'updateTask',
    service: 'scheduler',
    method: 'PATCH',
    path: '/v1/tasks/{name}',
    scope: 'write',
    team: { of: 'task', by: 'name' },
    summary: 'Change a task',
    description: 'Absent fields stay; `null` removes.',
    input: z.strictObject({
      ...name,
      status: statusSchema.optional(),
      platforms: z.array(platformSchema).min(1).max(16).optional(),
      agentConfiguration: agentConfigurationSchema.optional(),
      agentPoolName: z.string().max(63).optional(),
      timeout: z.number().int().min(300).max(28_800).optional(),
      step: z
        .strictObject({
          type: z.literal('Docker').optional(),
          contextPath: dockerStepSchema.shape.contextPath.optional(),
          contextAccessToken: dockerStepSchema.shape.contextAccessToken.unwrap().nullable().optional(),
          dockerFilePath: dockerStepSchema.shape.dockerFilePath.unwrap().optional(),
          imageNames: dockerStepSchema.shape.imageNames.unwrap().optional(),
          isPushEnabled: z.boolean().optional(),
          noCache: z.boolean().optional(),
          target: z.string().max(128).nullable().optional(),
          arguments: z.array(argumentSchema).max(256).optional(),
        })
        .optional(),
      trigger: z
        .strictObject({
          baseImageTrigger: z
            .strictObject({
              name: z.string().max(128).optional(),
              baseImageTriggerType: baseImageTriggerSchema.shape.baseImageTriggerType.unwrap().optional(),
              status: statusSchema.optional(),
            })
            .nullable()
            .optional(),
        })
        .optional(),
      tags: z.record(z.string().max(512), z.string().max(256)).optional(),
    }),
    output: taskViewSchema,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH', 'CONFLICT'],
  }),
  deleteTask: defineOperation({
    name: 'deleteTask',
    service: 'scheduler',
    method: 'DELETE',
    path: '/v1/tasks/{name}',
    scope: 'write',
    team: { of: 'task', by: 'name' },
    summary: 'Delete a task',
    description: 'Its runs and images stay.',
    input: z.object(name),
    output: empty,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH'],
  }),
  runTask: defineOperation({
    name: 'runTask',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/tasks/{name}/runs',
    scope: 'run',
    team: { of: 'task', by: 'name' },
    status: 202,
    summary: 'Run a task now',
    description: 'With overrides the run is for itself: it never becomes the standing run.',
    input: z.strictObject({
      ...name,
      overrideTaskStepProperties: z
        .strictObject({
          contextPath: dockerStepSchema.shape.contextPath.optional(),
          file: dockerStepSchema.shape.dockerFilePath.unwrap().optional(),
          target: z.string().max(128).optional(),
          arguments: z.array(argumentSchema).max(256).optional(),
        })
        .optional(),
    }),
    output: runViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
  resetTask: defineOperation({
    name: 'resetTask',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/tasks/{name}/reset',
    scope: 'run',
    team: { of: 'task', by: 'name' },
    summary: 'Close the circuit of a task',
    description: 'It is rebuilt automatically again, at once if it is stale.',
    input: z.object(name),
    output: taskViewSchema,
    errors: ['NOT_FOUND'],
  }),
};
