import { z } from 'zod';
import { defineEvent } from '../event.js';
import { taskNameSchema, timeSchema } from '../model/ids.js';
import { scannedInputSchema } from '../model/image.js';
import { taskDefinitionSchema } from '../model/task.js';

const definitionHash = z
  .string()
  .describe('Hash of what is built: context, file, target, arguments, platforms, image names.');
const defined = z.object({ definition: taskDefinitionSchema, definitionHash, by: z.string() });

export const taskEvents = {
  'task.created': defineEvent({
    aggregate: 'task',
    name: 'created',
    version: 1,
    summary: 'A task was created.',
    data: defined,
  }),
  'task.updated': defineEvent({
    aggregate: 'task',
    name: 'updated',
    version: 1,
    summary: 'A task was changed; the event carries the whole definition.',
    data: defined,
  }),
  'task.deleted': defineEvent({
    aggregate: 'task',
    name: 'deleted',
    version: 1,
    summary: 'A task was deleted. Its images stay where they are.',
    data: z.object({ task: taskNameSchema, by: z.string() }),
  }),
  'task.scanned': defineEvent({
    aggregate: 'task',
    name: 'scanned',
    version: 1,
    summary: 'The Dockerfile of the current definition was read: which images it uses, or why that cannot be known.',
    data: z.object({
      task: taskNameSchema,
      definitionHash,
      sourceRevision: z.string().nullable().describe('Commit or archive digest that was read.'),
      status: z.enum(['Known', 'Unknown']),
      reason: z.string().nullable().describe('Why the inputs are unknown.'),
      inputs: z.array(scannedInputSchema),
    }),
  }),
  'task.circuit-opened': defineEvent({
    aggregate: 'task',
    name: 'circuit-opened',
    version: 1,
    summary: 'Rebuilding failed too often for the same inputs; it is tried rarely until something changes.',
    data: z.object({
      task: taskNameSchema,
      key: z.string(),
      failures: z.number().int(),
      retryAt: timeSchema,
      reason: z.string(),
    }),
  }),
  'task.circuit-closed': defineEvent({
    aggregate: 'task',
    name: 'circuit-closed',
    version: 1,
    summary: 'The task is rebuilt automatically again.',
    data: z.object({
      task: taskNameSchema,
      reason: z.enum(['Succeeded', 'NewInputs', 'NewDefinition', 'Reset', 'HalfOpen']),
    }),
  }),
};
