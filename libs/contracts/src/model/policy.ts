import { z } from 'zod';
import { appliedBySchema } from './ids.js';

export const policyNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected 1 to 63 letters, digits, `.`, `_` or `-`')
  .describe('Name of a policy.');

export const policyPresetSchema = z
  .enum(['acr', 'careful'])
  .describe(
    '`acr`: what a registry serves is used at once. `careful`: images of registries that Plinth pushes to at once, others after 24 hours, and none that looks odd, unless a person releases it.',
  );
export type PolicyPreset = z.infer<typeof policyPresetSchema>;

/** `0s`, `90s`, `30m`, `24h`, `7d`. */
export const policyDurationSchema = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,5})[smhd]$/, 'expected a time such as 0s, 90s, 30m, 24h or 7d')
  .describe('A time: a whole number and `s`, `m`, `h` or `d`.');

/** Where patterns are compared with is the canonical reference, so a pattern names its host, or any. */
export const referencePatternSchema = z
  .string()
  .max(512)
  .regex(
    /^(?:\*|(?:[^/\s@]*[.:*][^/\s@]*|localhost)\/[^\s@]+)$/,
    'expected host/repository:tag with * for any characters, such as docker.io/library/node:* (not node:*)',
  )
  .describe('References, `host/repository:tag`; `*` stands for any characters. Without a tag: every tag.');

export const anomalyActionSchema = z
  .enum(['Ignore', 'Flag', 'Hold'])
  .describe('What becomes of a digest that looks odd: nothing, it is adopted and marked, or it waits for a person.');
export type AnomalyAction = z.infer<typeof anomalyActionSchema>;

/** A policy as a person writes it. What is absent is as the preset has it. */
export const policyResourceSchema = z.strictObject({
  name: policyNameSchema,
  match: z
    .array(referencePatternSchema)
    .min(1)
    .max(100)
    .describe('The images that it is for. Of several policies the one with the most specific pattern counts.'),
  preset: policyPresetSchema.optional().describe('What holds where a field is absent; the default preset unless said.'),
  minimumAge: policyDurationSchema
    .optional()
    .describe('How long ago a digest must have been seen first, before dependants get it.'),
  settle: policyDurationSchema
    .optional()
    .describe('How long an index of which only some platforms have moved is waited for, from its last change on.'),
  hold: z.boolean().optional().describe('Hold every new digest until a person releases it.'),
  allow: z
    .array(referencePatternSchema)
    .min(1)
    .max(1000)
    .optional()
    .describe('Only images that fit one of these are ever adopted.'),
  anomalies: anomalyActionSchema.optional(),
  followVersions: z
    .boolean()
    .optional()
    .describe(
      'Tags such as `22.x`, `22.4.x` or `22.x-alpine` stand for the highest version that fits, of the tags that the repository has.',
    ),
});
export type PolicyResource = z.infer<typeof policyResourceSchema>;

/** A policy as it is stored. */
export const policyDefinitionSchema = policyResourceSchema.extend({ appliedBy: appliedBySchema.optional() });
export type PolicyDefinition = z.infer<typeof policyDefinitionSchema>;

export const holdCodeSchema = z
  .enum([
    'NotAllowed',
    'Pinned',
    'RolledBack',
    'HeldByHand',
    'HeldByPolicy',
    'Anomaly',
    'PlatformMissing',
    'Settling',
    'MinimumAge',
  ])
  .describe('Why a digest is held.');
export type HoldCode = z.infer<typeof holdCodeSchema>;

export const anomalySchema = z.object({
  code: z
    .enum(['SeenBefore', 'CreatedEarlier', 'PlatformVanished', 'ManyTags'])
    .describe(
      'The tag had this digest before and another one since; it was made before the adopted one; a platform that dependants build is gone; many tags of the repository moved at the same time.',
    ),
  message: z.string(),
});
export type Anomaly = z.infer<typeof anomalySchema>;

export const decisionReasonSchema = z.string().min(1).max(500).describe('Why, in your words; it is recorded.');
