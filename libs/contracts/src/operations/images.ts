import { z } from 'zod';
import { digestSchema, referenceSchema, taskNameSchema, timeSchema } from '../model/ids.js';
import { snapshotSchema } from '../model/image.js';
import { seenBySchema } from '../model/cause.js';
import { defineOperation } from '../operation.js';
import { pageInput, pageOutput } from './paging.js';

export const imageViewSchema = z.object({
  reference: referenceSchema,
  current: snapshotSchema.nullable().describe('What the last look found.'),
  adopted: snapshotSchema.nullable().describe('What dependants use.'),
  held: z.object({ digest: digestSchema, reason: z.string() }).nullable(),
  watchedSince: timeSchema,
  dependants: z.number().int().describe('Tasks that track it.'),
  tasks: z.array(taskNameSchema).describe('Their names; 100 at most.'),
  watchedBy: z
    .enum(['Notification', 'Polling'])
    .describe('How its registry tells of changes. Those that notify are polled too, slowly.'),
  lastLookAt: timeSchema.nullable(),
  nextLookAt: timeSchema.nullable().describe('About when it is polled next.'),
  lastError: z.string().nullable().describe("The registry's own words when the last look failed."),
  mirror: z
    .object({
      reference: referenceSchema.describe('Where it is followed.'),
      upstreamDigest: digestSchema.nullable().describe('What its own registry showed at the last look there.'),
      upstreamLookAt: timeSchema.nullable().describe('When that was; it is looked at there slowly.'),
      behindSince: timeSchema
        .nullable()
        .describe('Since when the mirror is known to show another digest than its registry; null when it does not.'),
      lastError: z.string().nullable().describe("The registry's own words when it could not be looked at there."),
    })
    .nullable()
    .describe('Null unless a mirror has it.'),
  history: z
    .array(z.object({ digest: digestSchema, at: timeSchema, seenBy: seenBySchema }))
    .describe('Digests that the tag had, newest first; 32 at most.'),
});
export type ImageView = z.infer<typeof imageViewSchema>;

export const imageOperations = {
  listImages: defineOperation({
    name: 'listImages',
    service: 'watcher',
    method: 'GET',
    path: '/v1/images',
    scope: 'read',
    team: 'none',
    summary: 'List the watched images',
    input: z.object({
      reference: referenceSchema.optional().describe('Only this one, in any spelling.'),
      registry: z.string().max(253).optional().describe('Only those of this registry.'),
      ...pageInput,
    }),
    output: z.object({ images: z.array(imageViewSchema), ...pageOutput }),
    errors: [],
  }),
  lookAtImage: defineOperation({
    name: 'lookAtImage',
    service: 'watcher',
    method: 'POST',
    path: '/v1/images/look',
    scope: 'run',
    team: 'none',
    summary: 'Look at an image now',
    description: 'Answers when the look is done.',
    input: z.object({ reference: referenceSchema }),
    output: imageViewSchema,
    errors: ['NOT_FOUND', 'UNAVAILABLE'],
  }),
};
