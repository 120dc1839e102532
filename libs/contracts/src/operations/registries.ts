import { z } from 'zod';
import { registryHostSchema, timeSchema } from '../model/ids.js';
import { registryDefinitionSchema, registryResourceSchema } from '../model/registry.js';
import { defineOperation } from '../operation.js';
import { empty, pageInput, pageOutput } from './paging.js';

export const registryViewSchema = registryDefinitionSchema.extend({
  etag: z.string(),
  hookPath: z
    .string()
    .nullable()
    .describe('Path that the registry sends its notifications to; `•••` stands for a key.'),
  lastNotificationAt: timeSchema.nullable(),
  lastError: z.string().nullable().describe("The registry's own words when it last failed."),
  watchedTags: z.number().int(),
  polling: z
    .object({
      pacing: z.enum(['Budget', 'Interval']).describe('Whether tags share a budget, or are looked at at intervals.'),
      requestsPerSecond: z.number().describe('What it is asked at most.'),
      concurrency: z.number().int().describe('Looks that are under way at most.'),
      allowed: z.number().describe('Requests per second now: less than the most when it limits or counts looks.'),
      used: z.number().describe('Requests per second over the last full minute.'),
      pausedUntil: timeSchema.nullable().describe('Until when it is left alone after refusals or failures.'),
      failures: z.number().int().describe('Looks that failed or were refused one after the other, until now.'),
      quota: z
        .object({
          limit: z.number().int().nullable(),
          remaining: z.number().int().nullable(),
          windowSeconds: z.number().int().nullable(),
          at: timeSchema,
        })
        .nullable()
        .describe('What it said last of its pull quota; null when it says nothing.'),
      looksSpendQuota: z.boolean().describe('Its quota falls though looks only ask by HEAD; it is asked slowly then.'),
      lastErrorAt: timeSchema.nullable(),
    })
    .describe('How its tags are polled.'),
});
export type RegistryView = z.infer<typeof registryViewSchema>;
const host = { host: registryHostSchema };

/**
 * Changing registries needs `admin`: a registry names an address and the secret that is sent there.
 */
export const registryOperations = {
  createRegistry: defineOperation({
    name: 'createRegistry',
    service: 'watcher',
    method: 'POST',
    path: '/v1/registries',
    scope: 'admin',
    team: 'none',
    summary: 'Make a registry known',
    status: 201,
    input: registryResourceSchema,
    output: registryViewSchema,
    errors: ['ALREADY_EXISTS', 'FAILED_PRECONDITION'],
  }),
  listRegistries: defineOperation({
    name: 'listRegistries',
    service: 'watcher',
    method: 'GET',
    path: '/v1/registries',
    scope: 'read',
    team: 'none',
    summary: 'List the registries',
    input: z.object({ ...pageInput }),
    output: z.object({ registries: z.array(registryViewSchema), ...pageOutput }),
    errors: [],
  }),
  getRegistry: defineOperation({
    name: 'getRegistry',
    service: 'watcher',
    method: 'GET',
    path: '/v1/registries/{host}',
    scope: 'read',
    team: 'none',
    summary: 'Show a registry',
    input: z.object(host),
    output: registryViewSchema,
    errors: ['NOT_FOUND'],
  }),
  updateRegistry: defineOperation({
    name: 'updateRegistry',
    service: 'watcher',
    method: 'PATCH',
    path: '/v1/registries/{host}',
    scope: 'admin',
    team: 'none',
    summary: 'Change a registry',
    description: 'Absent fields stay; `null` removes.',
    input: z.strictObject({
      ...host,
      kind: registryDefinitionSchema.shape.kind.unwrap().optional(),
      scheme: registryDefinitionSchema.shape.scheme.unwrap().optional(),
      endpoint: registryDefinitionSchema.shape.endpoint.unwrap().nullable().optional(),
      ca: registryDefinitionSchema.shape.ca.unwrap().nullable().optional(),
      clientCertificate: registryDefinitionSchema.shape.clientCertificate.unwrap().nullable().optional(),
      addressPolicy: registryDefinitionSchema.shape.addressPolicy.unwrap().nullable().optional(),
      credentials: registryDefinitionSchema.shape.credentials.unwrap().nullable().optional(),
      mirrorOf: registryDefinitionSchema.shape.mirrorOf.unwrap().nullable().optional(),
      mirrorPath: registryDefinitionSchema.shape.mirrorPath.unwrap().nullable().optional(),
      notifications: registryDefinitionSchema.shape.notifications.unwrap().nullable().optional(),
      poll: registryDefinitionSchema.shape.poll.unwrap().optional(),
    }),
    output: registryViewSchema,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH', 'FAILED_PRECONDITION'],
  }),
  testRegistry: defineOperation({
    name: 'testRegistry',
    service: 'watcher',
    method: 'POST',
    path: '/v1/registries/{host}/test',
    scope: 'run',
    team: 'none',
    summary: 'Try a registry',
    description: 'Asks it whether it is there and takes our login. What is wrong is in the answer, not an error.',
    input: z.object(host),
    output: z.object({
      host: registryHostSchema,
      ok: z.boolean().describe('It answers, and takes our login.'),
      reachable: z.boolean(),
      authentication: z.enum(['none', 'basic', 'bearer']).describe('How it wants logins.'),
      message: z.string().describe('The same as a sentence.'),
      milliseconds: z.number().int().describe('How long it took to answer.'),
    }),
    errors: ['NOT_FOUND'],
  }),
  deleteRegistry: defineOperation({
    name: 'deleteRegistry',
    service: 'watcher',
    method: 'DELETE',
    path: '/v1/registries/{host}',
    scope: 'admin',
    team: 'none',
    summary: 'Forget a registry',
    input: z.object(host),
    output: empty,
    errors: ['NOT_FOUND', 'ETAG_MISMATCH'],
  }),
};
