import { z } from 'zod';
import { digestSchema, offeredPlatformSchema, platformSchema, referenceSchema, timeSchema } from './ids.js';

/**
 * What one look at a tag found: the digest that the tag names, and the digest per platform below it.
 * Attestation children are left out; a plain manifest has the one platform of its config.
 */
export const snapshotSchema = z.object({
  digest: digestSchema,
  mediaType: z.string(),
  platforms: z.record(offeredPlatformSchema, digestSchema).describe('Digest of the manifest per platform.'),
  created: timeSchema.optional().describe('When it was made, where the index or the config says so.'),
  tag: z.string().max(128).optional().describe('Tag that it was found at, where the reference is a range of versions.'),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const inputRoleSchema = z
  .enum(['base', 'build', 'copy', 'mount', 'frontend'])
  .describe(
    'What a build uses an image for: `base` (chain of the final stage), `build` (other reachable stages), `copy` (COPY --from), `mount` (RUN --mount from), `frontend` (# syntax).',
  );
export type InputRole = z.infer<typeof inputRoleSchema>;

export const inputViaSchema = z
  .enum(['direct', 'context', 'onbuild'])
  .describe('How it got there: named directly, put in place by a named context, or by an ONBUILD trigger of a base.');

/** An image that a Dockerfile uses, found by reading it. */
export const scannedInputSchema = z.object({
  reference: referenceSchema,
  role: inputRoleSchema,
  via: inputViaSchema,
  stage: z.string().nullable().describe('Build stage that uses it.'),
  line: z.number().int().describe('Line of the Dockerfile.'),
  platforms: z.array(platformSchema).describe('Platforms for which it is used.'),
  pinned: z.boolean().describe('Named by digest: it never moves.'),
});
export type ScannedInput = z.infer<typeof scannedInputSchema>;

/** An image that a run really used. */
export const usedInputSchema = z.object({
  reference: referenceSchema,
  role: inputRoleSchema,
  via: inputViaSchema,
  digest: digestSchema.describe('Digest of the index or manifest that the reference named.'),
  platforms: z.record(platformSchema, digestSchema).describe('Digest per platform that was built on.'),
});
export type UsedInput = z.infer<typeof usedInputSchema>;

/** What a run is made to use: one digest for each reference. */
export const pinSchema = z.object({
  reference: referenceSchema,
  digest: digestSchema,
  platforms: z.record(platformSchema, digestSchema),
});
export type Pin = z.infer<typeof pinSchema>;

export const outputSchema = z.object({
  reference: referenceSchema,
  digest: digestSchema,
  mediaType: z.string(),
  platforms: z.record(platformSchema, digestSchema),
});
export type PushedImage = z.infer<typeof outputSchema>;
