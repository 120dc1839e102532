import { z } from 'zod';
import { registryHostSchema, secretRefSchema, appliedBySchema } from './ids.js';

export const registryKindSchema = z
  .enum(['Distribution', 'Generic'])
  .describe('What the host runs; decides which notification dialect and quirks apply.');

/** A registry as a person writes it: to make it known, and in a file that is applied. */
export const registryResourceSchema = z.strictObject({
  host: registryHostSchema,
  kind: registryKindSchema.default('Generic'),
  scheme: z.enum(['https', 'http']).default('https').describe('`http` only where it is said here.'),
  endpoint: z
    .string()
    .max(253)
    .optional()
    .describe('host:port to talk to, where it is not the host of the references.'),
  ca: secretRefSchema.optional().describe('Where the PEM of its certificate authority is.'),
  credentials: z
    .strictObject({ username: z.string().min(1).max(256), password: secretRefSchema })
    .optional()
    .describe('Credentials for pull and push.'),
  notifications: z
    .strictObject({
      dialect: z.enum(['distribution']),
      secret: secretRefSchema.describe('Where the value is that the sender puts into its Authorization header.'),
    })
    .optional()
    .describe('Notifications that this registry sends to /v1/hooks/{dialect}/{host}.'),
  poll: z
    .strictObject({ intervalSeconds: z.number().int().min(1).max(86_400) })
    .default({ intervalSeconds: 900 })
    .describe(
      'How often each watched tag is looked at. Registries that notify are polled too, to repair a lost message.',
    ),
});
export type RegistryResource = z.infer<typeof registryResourceSchema>;

/** A registry as it is stored. */
export const registryDefinitionSchema = registryResourceSchema.extend({ appliedBy: appliedBySchema.optional() });
export type RegistryDefinition = z.infer<typeof registryDefinitionSchema>;
