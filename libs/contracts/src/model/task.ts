import { z } from 'zod';
import { appliedBySchema, platformSchema, secretRefSchema, taskNameSchema, teamSchema } from './ids.js';

/**
 * The task resource keeps the shape of Azure Container Registry's tasks: an ACR field keeps its name, place and
 * meaning (Microsoft.ContainerRegistry RegistryTasks/models.tsp, API 2019-06-01-preview and later); ours stand
 * where ACR would have put them.
 */
export const statusSchema = z.enum(['Enabled', 'Disabled']);

export const argumentSchema = z.strictObject({
  name: z.string().min(1).max(256),
  value: z
    .string()
    .max(32_768)
    .optional()
    .describe('Value; absent for a secret argument, whose `secretRef` says where it is.'),
  isSecret: z.boolean().default(false).describe('The value is kept from logs, events and answers.'),
  secretRef: secretRefSchema.optional().describe('Where the value of a secret argument is.'),
});
export type Argument = z.infer<typeof argumentSchema>;

export const dockerStepSchema = z.strictObject({
  type: z.literal('Docker'),
  contextPath: z
    .string()
    .min(1)
    .max(2048)
    .describe(
      'Build context: `context://sha256:…` of an uploaded archive, a git URL `https://host/repo.git#branch:folder`, the URL of a .tar.gz, or `oci://host/repository:tag` of an artifact in a registry.',
    ),
  contextAccessToken: secretRefSchema.optional().describe('Where the token for the context is.'),
  dockerFilePath: z.string().min(1).max(512).default('Dockerfile').describe('Dockerfile, relative to the context.'),
  imageNames: z
    .array(z.string().min(1).max(512))
    .max(64)
    .default([])
    .describe('Names to push. May contain {{.Run.ID}} and {{.Run.Date}}.'),
  isPushEnabled: z.boolean().default(true),
  noCache: z.boolean().default(false),
  target: z.string().max(128).optional().describe('Build stage to build; the last one by default.'),
  arguments: z.array(argumentSchema).max(256).default([]),
});
export type DockerStep = z.infer<typeof dockerStepSchema>;

/** One variant per step type; `FileTask` and `EncodedTask` take their place here when they come. */
export const stepSchema = z.discriminatedUnion('type', [dockerStepSchema]);

export const baseImageTriggerSchema = z.strictObject({
  name: z.string().max(128).default('defaultBaseimageTriggerName'),
  baseImageTriggerType: z
    .enum(['Runtime', 'All'])
    .default('Runtime')
    .describe('`Runtime` tracks the base of the final stage; `All` tracks every image but the frontend.'),
  status: statusSchema.default('Enabled'),
});

export const triggerSchema = z.strictObject({
  baseImageTrigger: baseImageTriggerSchema
    .nullable()
    .default({ name: 'defaultBaseimageTriggerName', baseImageTriggerType: 'Runtime', status: 'Enabled' })
    .describe('On by default, as in ACR; `null` for none.'),
});

export const platformPropertiesSchema = z.strictObject({
  os: z.enum(['Linux', 'Windows']).default('Linux'),
  architecture: z.string().max(32).default('amd64'),
  variant: z.string().max(32).optional(),
});

export const agentConfigurationSchema = z.strictObject({ cpu: z.number().int().min(1).max(256).default(2) });

/** What a person may set on a task. */
export const taskPropertiesSchema = z.strictObject({
  status: statusSchema.default('Enabled'),
  platforms: z.array(platformSchema).min(1).max(16).optional().describe('Platforms to build; linux/amd64 by default.'),
  platform: platformPropertiesSchema.optional().describe("ACR's single platform; a view of `platforms` in answers."),
  agentConfiguration: agentConfigurationSchema.default({ cpu: 2 }),
  agentPoolName: z.string().max(63).default('default').describe('Pool of builders that runs it.'),
  timeout: z.number().int().min(300).max(28_800).default(3600).describe('Seconds until a run is given up.'),
  step: stepSchema,
  trigger: triggerSchema.default({
    baseImageTrigger: { name: 'defaultBaseimageTriggerName', baseImageTriggerType: 'Runtime', status: 'Enabled' },
  }),
  tags: z.record(z.string().max(512), z.string().max(256)).default({}),
});
export type TaskProperties = z.infer<typeof taskPropertiesSchema>;

/** A task as a person writes it: to create it, and in a file that is applied. */
export const taskResourceSchema = taskPropertiesSchema.extend({ name: taskNameSchema, team: teamSchema.optional() });
export type TaskResource = z.infer<typeof taskResourceSchema>;

/** A task as it is stored: every default filled in, the platforms normalised. */
export const taskDefinitionSchema = taskPropertiesSchema.omit({ platform: true, platforms: true }).extend({
  name: taskNameSchema,
  team: z.string().max(63).describe('Team that owns it.'),
  platforms: z.array(platformSchema),
  appliedBy: appliedBySchema.optional(),
});
export type TaskDefinition = z.infer<typeof taskDefinitionSchema>;
