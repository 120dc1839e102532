import { z } from 'zod';
import { digestSchema, positionSchema, referenceSchema, timeSchema } from './ids.js';

export const seenBySchema = z
  .enum(['Webhook', 'Poll', 'Push', 'Request', 'Watch'])
  .describe(
    'What made Plinth look: a notification, its own polling, its own push, a person, or the start of watching.',
  );
export type SeenBy = z.infer<typeof seenBySchema>;

/**
 * Why a run exists. Each kind carries what a person needs to read the sentence; the sentence itself is
 * composed by the reason of that kind in the graph service.
 */
export const causeSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('BaseImageMoved'),
    reference: referenceSchema,
    from: digestSchema.describe('Digest that the standing run used.'),
    to: digestSchema.describe('Digest that is adopted now.'),
    seenBy: seenBySchema,
    adoptedAt: timeSchema,
    position: positionSchema.describe('Position of the adoption.'),
    run: z.string().nullable().describe('Run that pushed the new digest, where it was one of ours.'),
    urgent: z.boolean().optional().describe('A person released it as urgent: it is built before other updates.'),
  }),
  z.object({ type: z.literal('DefinitionChanged'), from: z.string(), to: z.string(), position: positionSchema }),
  z.object({ type: z.literal('Manual'), by: z.string(), at: timeSchema }),
]);
export type Cause = z.infer<typeof causeSchema>;
