import { z } from 'zod';
import { policyDefinitionSchema, policyNameSchema, policyPresetSchema, policyResourceSchema } from '../model/policy.js';
import { defineOperation } from '../operation.js';
import { empty, pageInput, pageOutput } from './paging.js';

/** Policies that there can be: each new digest is compared with all of them. */
export const policyLimit = 1000;

export const policyViewSchema = policyDefinitionSchema.extend({
  etag: z.string(),
  watchedImages: z.number().int().describe('Watched images that it decides about.'),
});
export type PolicyView = z.infer<typeof policyViewSchema>;
const name = { name: policyNameSchema };
const fields = policyResourceSchema.shape;

/** Changing policies needs `admin`: they decide what every team's images are built on. */
export const policyOperations = {
  createPolicy: defineOperation({
    name: 'createPolicy',
    service: 'watcher',
    method: 'POST',
    path: '/v1/policies',
    scope: 'admin',
    team: 'none',
    summary: 'Make an adoption policy',
    status: 201,
    input: policyResourceSchema,
    output: policyViewSchema,
    errors: ['ALREADY_EXISTS', 'FAILED_PRECONDITION'],
  }),
  listPolicies: defineOperation({
    name: 'listPolicies',
    service: 'watcher',
    method: 'GET',
    path: '/v1/policies',
    scope: 'read',
    team: 'none',
    summary: 'List the adoption policies',
    input: z.object({ ...pageInput }),
    output: z.object({
      preset: policyPresetSchema.describe('What decides where no policy fits.'),
      policies: z.array(policyViewSchema),
      ...pageOutput,
    }),
    errors: [],
  }),
  getPolicy: defineOperation({
    name: 'getPolicy',
    service: 'watcher',
    method: 'GET',
    path: '/v1/policies/{name}',
    scope: 'read',
    team: 'none',
    summary: 'Show an adoption policy',
    input: z.object(name),
    output: policyViewSchema,
    errors: ['NOT_FOUND'],
  }),
  updatePolicy: defineOperation({
    name: 'updatePolicy',
    service: 'watcher',
    method: 'PATCH',
    path: '/v1/policies/{name}',
    scope: 'admin',
    team: 'none',
    summary: 'Change an adoption policy',
    description: 'Absent fields stay; `null` removes.',
    input: z.strictObject({
      ...name,
      match: fields.match.optional(),
      preset: fields.preset.unwrap().nullable().optional(),
      minimumAge: fields.minimumAge.unwrap().nullable().optional(),
      settle: fields.settle.unwrap().nullable().optional(),
      hold: fields.hold.unwrap().nullable().optional(),
      allow: fields.allow.unwrap().nullable().optional(),
      anomalies: fields.anomalies.unwrap().nullable().optional(),
      followVersions: fields.followVersions.unwrap().nullable().optional(),
    }),
    output: policyViewSchema,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH', 'FAILED_PRECONDITION'],
  }),
  deletePolicy: defineOperation({
    name: 'deletePolicy',
    service: 'watcher',
    method: 'DELETE',
    path: '/v1/policies/{name}',
    scope: 'admin',
    team: 'none',
    summary: 'Delete an adoption policy',
    input: z.object(name),
    output: empty,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH'],
  }),
};
