import { z } from 'zod';
import { digestSchema, platformSchema, referenceSchema, taskNameSchema, timeSchema } from '../model/ids.js';
import { snapshotSchema } from '../model/image.js';
import { anomalySchema, decisionReasonSchema, holdCodeSchema } from '../model/policy.js';
import { seenBySchema } from '../model/cause.js';
import { defineOperation } from '../operation.js';
import { pageInput, pageOutput } from './paging.js';

/** What a person decided of an image. */
export const imageDecisionSchema = z.object({ by: z.string(), at: timeSchema, reason: z.string() });

export const imageCandidateSchema = z.object({
  digest: digestSchema,
  since: timeSchema.describe('When it was seen first.'),
  code: holdCodeSchema,
  reason: z.string(),
  adoptAt: timeSchema.nullable().describe('When it is adopted if nothing else happens; null: not by itself.'),
  anomalies: z.array(anomalySchema),
});

export const imageViewSchema = z.object({
  reference: referenceSchema,
  current: snapshotSchema.nullable().describe('What the last look found.'),
  adopted: snapshotSchema.nullable().describe('What dependants use.'),
  held: z
    .object({ digest: digestSchema, reason: z.string() })
    .nullable()
    .describe('The newest digest that dependants do not get yet, and why.'),
  policy: z.string().describe('The policy or preset that decides.'),
  candidates: z
    .array(imageCandidateSchema)
    .describe('Digests that wait, oldest first: the newest one that may be adopted is.'),
  pinned: imageDecisionSchema.extend({ digest: digestSchema }).nullable().describe('Kept on this digest by a person.'),
  heldByHand: imageDecisionSchema.nullable().describe('Held by a person.'),
  missingPlatforms: z
    .array(platformSchema)
    .describe('Platforms that dependants build and the tag does not offer now, though it did.'),
  vanishedAt: timeSchema.nullable().describe('Since when the registry does not know the tag.'),
  adoptedBefore: z
    .array(digestSchema)
    .describe('Digests that were adopted before, newest first: a rollback goes there.'),
  anomalies: z.array(anomalySchema).describe('What looked odd about the adopted digest.'),
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

const decision = { reference: referenceSchema, reason: decisionReasonSchema };

/** Changing what dependants get needs `admin`: an image is no team's, and all that stand on it follow. */
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
  holdImage: defineOperation({
    name: 'holdImage',
    service: 'watcher',
    method: 'POST',
    path: '/v1/images/hold',
    scope: 'admin',
    team: 'none',
    summary: 'Hold an image',
    description: 'Dependants stay on the adopted digest until it is released.',
    input: z.strictObject(decision),
    output: imageViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
  releaseImage: defineOperation({
    name: 'releaseImage',
    service: 'watcher',
    method: 'POST',
    path: '/v1/images/release',
    scope: 'admin',
    team: 'none',
    summary: 'Release an image',
    description:
      'Ends the hold by hand, and lets the newest digest go that waits (or the one that is named), whatever holds it.',
    input: z.strictObject({
      ...decision,
      digest: digestSchema.optional().describe('Which of those that wait; the newest unless said.'),
      urgent: z.boolean().default(false).describe('Build what it makes stale before other updates.'),
    }),
    output: imageViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
  pinImage: defineOperation({
    name: 'pinImage',
    service: 'watcher',
    method: 'POST',
    path: '/v1/images/pin',
    scope: 'admin',
    team: 'none',
    summary: 'Pin an image to a digest',
    description: 'Dependants are kept on this digest, whatever the tag names, until it is unpinned.',
    input: z.strictObject({
      ...decision,
      digest: digestSchema.optional().describe('What to keep; the adopted one unless said.'),
    }),
    output: imageViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION', 'UNAVAILABLE'],
  }),
  unpinImage: defineOperation({
    name: 'unpinImage',
    service: 'watcher',
    method: 'POST',
    path: '/v1/images/unpin',
    scope: 'admin',
    team: 'none',
    summary: 'Unpin an image',
    description: 'Policy decides again what dependants get.',
    input: z.strictObject(decision),
    output: imageViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
  rollbackImage: defineOperation({
    name: 'rollbackImage',
    service: 'watcher',
    method: 'POST',
    path: '/v1/images/rollback',
    scope: 'admin',
    team: 'none',
    summary: 'Roll an image back to the digest before',
    description:
      'What stands on it becomes stale against the digest before. The one that is left is adopted again only when it is released.',
    input: z.strictObject(decision),
    output: imageViewSchema,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
};
