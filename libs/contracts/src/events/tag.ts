import { z } from 'zod';
import { defineEvent } from '../event.js';
import { seenBySchema } from '../model/cause.js';
import { digestSchema, referenceSchema, runIdSchema, timeSchema } from '../model/ids.js';
import { snapshotSchema } from '../model/image.js';

const look = {
  reference: referenceSchema,
  seenBy: seenBySchema,
  hintedAt: timeSchema.nullable().describe('When the notification came that made Plinth look.'),
};
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
    }),
  }),
  'tag.held': defineEvent({
    aggregate: 'tag',
    name: 'held',
    version: 1,
    summary: 'Policy keeps this digest from dependants; they stay on the adopted one.',
    data: z.object({ ...look, candidate: snapshotSchema, reason: z.string(), run: answers }),
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
  'tag.unwatched': defineEvent({
    aggregate: 'tag',
    name: 'unwatched',
    version: 1,
    summary: 'No task tracks this reference any more.',
    data: z.object({ reference: referenceSchema }),
  }),
};
