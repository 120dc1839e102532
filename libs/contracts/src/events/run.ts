import { z } from 'zod';
import { defineEvent } from '../event.js';
import { causeSchema } from '../model/cause.js';
import { positionSchema, runIdSchema, taskNameSchema, timeSchema } from '../model/ids.js';
import { outputSchema, pinSchema, usedInputSchema } from '../model/image.js';
import { taskDefinitionSchema } from '../model/task.js';

const run = runIdSchema;
const attempt = z.number().int().min(1).describe('Number of the attempt; every word of a builder carries its own.');

/** Why a run did not build: one list for the view, the log line and the API. */
export const failureCodeSchema = z.enum([
  'CONTEXT_UNREADABLE',
  'DOCKERFILE_NOT_FOUND',
  'DOCKERFILE_INVALID',
  'BASE_NOT_FOUND',
  'STEP_FAILED',
  'FEATURE_MISSING',
  'IMAGE_NAME_INVALID',
  'TAG_IMMUTABLE',
  'ACCESS_DENIED',
]);
export type FailureCode = z.infer<typeof failureCodeSchema>;

export const runEvents = {
  'run.queued': defineEvent({
    aggregate: 'run',
    name: 'queued',
    version: 1,
    summary: 'A run was asked for; it waits for a free slot.',
    data: z.object({
      run,
      task: taskNameSchema.nullable().describe('Null for a quick build.'),
      runType: z.enum(['AutoBuild', 'QuickBuild']),
      key: z.string().nullable().describe('Input key, for a run that the graph asked for.'),
      causes: z.array(causeSchema).min(1),
      offer: positionSchema.nullable().describe('Position of the rebuild.due that it answers.'),
      definition: taskDefinitionSchema,
      definitionHash: z.string(),
      overridden: z.boolean().describe('Built with overrides by hand: never the standing run.'),
      pins: z.array(pinSchema),
      sourceRevision: z.string().nullable(),
      priority: z.enum(['Interactive', 'SourceChange', 'UrgentBase', 'Base', 'Timer', 'HalfOpen']),
      waves: z.array(z.string()),
      createdAt: timeSchema,
    }),
  }),
  'run.unplaced': defineEvent({
    aggregate: 'run',
    name: 'unplaced',
    version: 1,
    summary: 'No builder serves the pool of the run. It holds nobody until a builder takes it.',
    data: z.object({ run, task: taskNameSchema.nullable(), pool: z.string() }),
  }),
  'run.dispatched': defineEvent({
    aggregate: 'run',
    name: 'dispatched',
    version: 1,
    summary: 'A slot is free: any builder of the pool may start this attempt.',
    data: z.object({ run, attempt, pool: z.string() }),
  }),
  'run.started': defineEvent({
    aggregate: 'run',
    name: 'started',
    version: 1,
    summary: 'A builder holds this attempt. An attempt before it is over.',
    data: z.object({
      run,
      attempt,
      builder: z.string(),
      slot: z.number().int(),
      engine: z.string(),
      isolation: z.enum(['vm', 'userns', 'oci', 'chroot']).describe('How build steps are kept from the host.'),
    }),
  }),
  'run.built': defineEvent({
    aggregate: 'run',
    name: 'built',
    version: 1,
    summary: "The images are in the registry by digest. From here the run's digests never change.",
    data: z.object({
      run,
      attempt,
      outputs: z.array(outputSchema).describe('One per tag that will be moved.'),
      inputs: z.array(usedInputSchema),
      sourceRevision: z.string().nullable(),
    }),
  }),
  'run.succeeded': defineEvent({
    aggregate: 'run',
    name: 'succeeded',
    version: 1,
    summary: 'Every tag of the run is at its digest.',
    data: z.object({
      run,
      task: taskNameSchema.nullable(),
      attempt,
      outputs: z.array(outputSchema),
      inputs: z.array(usedInputSchema),
      sourceRevision: z.string().nullable(),
      unchanged: z.boolean().describe('Every stable tag had that digest before.'),
    }),
  }),
  'run.failed': defineEvent({
    aggregate: 'run',
    name: 'failed',
    version: 1,
    summary: "The user's build failed.",
    data: z.object({ run, task: taskNameSchema.nullable(), attempt, code: failureCodeSchema, reason: z.string() }),
  }),
  'run.cancel-requested': defineEvent({
    aggregate: 'run',
    name: 'cancel-requested',
    version: 1,
    summary: 'Somebody wants the run to stop; the builder that holds it will.',
    data: z.object({ run, by: z.string() }),
  }),
  'run.canceled': defineEvent({
    aggregate: 'run',
    name: 'canceled',
    version: 1,
    summary: 'The run was stopped, or was not started because something newer takes its place.',
    data: z.object({
      run,
      task: taskNameSchema.nullable(),
      attempt: z.number().int().nullable(),
      reason: z.enum(['Requested', 'Superseded', 'TaskDeleted']),
      message: z.string(),
    }),
  }),
  'run.timed-out': defineEvent({
    aggregate: 'run',
    name: 'timed-out',
    version: 1,
    summary: 'The run took longer than its timeout.',
    data: z.object({ run, task: taskNameSchema.nullable(), attempt, seconds: z.number().int() }),
  }),
  'run.errored': defineEvent({
    aggregate: 'run',
    name: 'errored',
    version: 1,
    summary: 'Something on our side failed: registry, engine or log. The run is tried again as another attempt.',
    data: z.object({
      run,
      task: taskNameSchema.nullable(),
      attempt,
      reason: z.string(),
      retryAt: timeSchema.nullable().describe('When the next attempt is made; null when there is none.'),
    }),
  }),
};
