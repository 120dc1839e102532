import { z } from 'zod';
import { defineEvent } from '../event.js';
import { seenBySchema } from '../model/cause.js';
import { digestSchema, referenceSchema, runIdSchema, timeSchema } from '../model/ids.js';
import { snapshotSchema } from '../model/image.js';
import { anomalySchema, decisionReasonSchema, holdCodeSchema } from '../model/policy.js';

const look = {
  reference: referenceSchema,
  seenBy: seenBySchema,
  hintedAt: timeSchema.nullable().describe('When the notification came that made Plinth look.'),
};
/** A person decided. */
const decided = {
  reference: referenceSchema,
  by: z.string().describe('Name of the token, or the person.'),
  reason: decisionReasonSchema,
};
const anomalies = z.array(anomalySchema).optional().describe('What looks odd about it; absent where nothing does.');
const answers = runIdSchema.nullable().describe('The run whose output this look answers.');

export const tagEvents = {
  'tag.watched': defineEvent({
    aggregate: 'tag',
    name: 'watched',
    version: 1,
    summary: 'A task tracks this reference: from now on it is looked at.',
    data: z.object({ reference: referenceSchema }),
  }),
  'tag.moved': defineEvent({
    aggregate: 'tag',
    name: 'moved',
    version: 1,
    summary: 'A look found another digest behind the tag than the look before.',
    data: z.object({ ...look, from: digestSchema.nullable(), to: snapshotSchema }),
  }),
  'tag.adopted': defineEvent({
    aggregate: 'tag',
    name: 'adopted',
    version: 1,
    summary: 'Policy lets dependants use this digest from now on.',
    data: z.object({
      ...look,
      from: digestSchema.nullable(),
      to: snapshotSchema,
      policy: z.string().describe('The rule that let it through.'),
      run: answers,
      by: z.string().optional().describe('Who decided it, where a person did.'),
      reason: z.string().optional().describe('Why, in the words of that person.'),
      urgent: z.boolean().optional().describe('What it makes stale is built before other updates.'),
      anomalies,
    }),
  }),
  'tag.held': defineEvent({
    aggregate: 'tag',
    name: 'held',
    version: 1,
    summary: 'Policy keeps this digest from dependants; they stay on the adopted one.',
    data: z.object({
      ...look,
      candidate: snapshotSchema,
      reason: z.string(),
      run: answers,
      code: holdCodeSchema.optional(),
      policy: z.string().optional().describe('The policy or preset that holds it.'),
      until: timeSchema
        .nullable()
        .optional()
        .describe('When it is adopted if nothing else happens; null: not by itself.'),
      anomalies,
    }),
  }),
  'tag.confirmed': defineEvent({
    aggregate: 'tag',
    name: 'confirmed',
    version: 1,
    summary: "The look that answers a run's output found nothing to adopt.",
    data: z.object({ reference: referenceSchema, digest: digestSchema.nullable(), run: runIdSchema }),
  }),
  'tag.vanished': defineEvent({
    aggregate: 'tag',
    name: 'vanished',
    version: 1,
    summary: 'The registry no longer knows the tag. Dependants stay on what they have.',
    data: z.object({ ...look, was: digestSchema.nullable() }),
  }),
  'tag.discarded': defineEvent({
    aggregate: 'tag',
    name: 'discarded',
    version: 1,
    summary: 'A held digest will not be adopted any more: the registry does not have it now.',
    data: z.object({ reference: referenceSchema, digest: digestSchema, reason: z.string() }),
  }),
  'tag.hold-placed': defineEvent({
    aggregate: 'tag',
    name: 'hold-placed',
    version: 1,
    summary: 'A person holds the tag: dependants stay on the adopted digest until it is released.',
    data: z.object(decided),
  }),
  'tag.released': defineEvent({
    aggregate: 'tag',
    name: 'released',
    version: 1,
    summary: 'A person lets a held digest go, whatever held it, and ends the hold by hand.',
    data: z.object({
      ...decided,
      digest: digestSchema.nullable().describe('The digest that was let go; null where there was none.'),
      urgent: z.boolean().describe('What it makes stale is built before other updates.'),
    }),
  }),
  'tag.pinned': defineEvent({
    aggregate: 'tag',
    name: 'pinned',
    version: 1,
    summary: 'A person keeps dependants on one digest, whatever the tag names.',
    data: z.object({ ...decided, to: snapshotSchema }),
  }),
  'tag.unpinned': defineEvent({
    aggregate: 'tag',
    name: 'unpinned',
    version: 1,
    summary: 'The pin was taken away: policy decides again.',
    data: z.object(decided),
  }),
  'tag.rolled-back': defineEvent({
    aggregate: 'tag',
    name: 'rolled-back',
    version: 1,
    summary: 'A person takes dependants back to the digest before; the other one is not adopted again by itself.',
    data: z.object({ ...decided, from: digestSchema, to: snapshotSchema }),
  }),
  'tag.unwatched': defineEvent({
    aggregate: 'tag',
    name: 'unwatched',
    version: 1,
    summary: 'No task tracks this reference any more.',
    data: z.object({ reference: referenceSchema }),
  }),
};
