import { z } from 'zod';
import { defineEvent } from '../event.js';
import { seenBySchema } from '../model/cause.js';
import { digestSchema, positionSchema, referenceSchema, timeSchema } from '../model/ids.js';

export const waveEvents = {
  'wave.opened': defineEvent({
    aggregate: 'wave',
    name: 'opened',
    version: 1,
    summary: 'A change made tasks stale or pending. A label for people: nothing is decided from it.',
    data: z.object({
      wave: z.string(),
      reference: referenceSchema,
      from: digestSchema.nullable(),
      to: digestSchema,
      seenBy: seenBySchema,
      hintedAt: timeSchema.nullable(),
      position: positionSchema.describe('Position of the adoption that opened it.'),
      tasks: z.number().int().describe('How many tasks it touches.'),
      depth: z.number().int().describe('How many levels of tasks stand on the image.'),
    }),
  }),
  'wave.closed': defineEvent({
    aggregate: 'wave',
    name: 'closed',
    version: 1,
    summary: 'Each task of the wave is fresh for that change, or excused with a reason.',
    data: z.object({
      wave: z.string(),
      built: z.number().int(),
      restored: z.number().int(),
      rebased: z.number().int(),
      unchanged: z.number().int().describe('Runs that gave the digest that was there before.'),
      unfinished: z.array(z.object({ reason: z.string(), tasks: z.number().int() })),
    }),
  }),
};
