import { z } from 'zod';
import { positionSchema, setNameSchema, teamSchema } from '../model/ids.js';
import { policyResourceSchema } from '../model/policy.js';
import { registryResourceSchema } from '../model/registry.js';
import { taskResourceSchema } from '../model/task.js';
import { defineOperation } from '../operation.js';
import { policyLimit } from './policies.js';

/** How much one call of apply takes. */
export const applyLimits = { resources: 20_000, bytes: 64 * 1024 * 1024 } as const;

export const applyActionSchema = z
  .enum(['Created', 'Updated', 'Unchanged', 'Deleted'])
  .describe('What became of it; with `dryRun` what would become of it.');
export type ApplyAction = z.infer<typeof applyActionSchema>;

export const fieldChangeSchema = z.object({
  field: z.string().describe('Path of the field, such as `step.imageNames[0]`.'),
  from: z.unknown().describe('Value before; null where there was none.'),
  to: z.unknown().describe('Value after; null where there is none.'),
});
export type FieldChange = z.infer<typeof fieldChangeSchema>;

export const appliedResourceSchema = z.object({
  name: z.string(),
  action: applyActionSchema,
  position: positionSchema.nullable().describe('Where the change stands in the log; null where nothing was written.'),
  changes: z.array(fieldChangeSchema).describe('For `Updated`: what changed, field by field.'),
});
export type AppliedResource = z.infer<typeof appliedResourceSchema>;

const input = {
  set: setNameSchema
    .default('default')
    .describe('Name of the set that these resources are: what it made and does not name any more can be pruned.'),
  team: teamSchema.optional().describe("Team that the set is of, and of tasks that name none; the token's by default."),
  prune: z
    .boolean()
    .default(false)
    .describe('Delete what earlier calls made for this set and team, and this one does not name.'),
  takeOver: z
    .boolean()
    .default(false)
    .describe('Make what was made by hand, or by another set, part of this set. Without it the former stays by hand.'),
  dryRun: z.boolean().default(false).describe('Check everything, answer what would change, change nothing.'),
};
const output = z.object({
  resources: z.array(appliedResourceSchema).describe('In the order of the request; what was pruned at the end.'),
  created: z.number().int(),
  updated: z.number().int(),
  unchanged: z.number().int(),
  deleted: z.number().int(),
  missingSecrets: z
    .array(z.string())
    .describe('Stored secrets that the resources name and that are not there yet; what names one waits for it.'),
  dryRun: z.boolean(),
});

const description = [
  'Everything is checked before anything is written, and all that is wrong is answered at once. A resource is created',
  'where there is none, changed where it differs, else left alone; fields that are absent get their defaults.',
  `At most ${applyLimits.resources} resources in ${applyLimits.bytes / 1024 / 1024} MiB; 4 MiB over gRPC.`,
  'When it breaks off half-way, repeat it: what is written already is left alone.',
].join(' ');

/** Declarative use. Each service applies what it owns; a client that has several kinds dry-runs all first. */
export const applyOperations = {
  applyTasks: defineOperation({
    name: 'applyTasks',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/apply/tasks',
    scope: 'write',
    team: 'named',
    summary: 'Make the tasks as they are written here',
    description,
    maxBytes: applyLimits.bytes,
    input: z.object({ ...input, tasks: z.array(taskResourceSchema).max(applyLimits.resources) }),
    output,
    errors: ['FAILED_PRECONDITION'],
  }),
  applyRegistries: defineOperation({
    name: 'applyRegistries',
    service: 'watcher',
    method: 'POST',
    path: '/v1/apply/registries',
    scope: 'admin',
    team: 'named',
    summary: 'Make the registries as they are written here',
    description,
    maxBytes: applyLimits.bytes,
    input: z.object({ ...input, registries: z.array(registryResourceSchema).max(applyLimits.resources) }),
    output,
    errors: ['FAILED_PRECONDITION'],
  }),
  applyPolicies: defineOperation({
    name: 'applyPolicies',
    service: 'watcher',
    method: 'POST',
    path: '/v1/apply/policies',
    scope: 'admin',
    team: 'named',
    summary: 'Make the adoption policies as they are written here',
    description,
    maxBytes: applyLimits.bytes,
    input: z.object({ ...input, policies: z.array(policyResourceSchema).max(policyLimit) }),
    output,
    errors: ['FAILED_PRECONDITION'],
  }),
};
