import { z } from 'zod';
import { policyResourceSchema } from './policy.js';
import { registryResourceSchema } from './registry.js';
import { taskResourceSchema } from './task.js';

/** What a document in a file says first: whose schema it is of. */
export const apiVersion = 'plinth.dev/v1';

const head = <K extends string>(type: K) => ({
  apiVersion: z.literal(apiVersion).describe('Version of this schema.'),
  type: z.literal(type).describe('What it is.'),
});

/**
 * One resource in a file: the fields of the operation that creates it, and in front of them what it is. `type` and
 * `apiVersion` as in ACR's own resources; a registry has a `kind` of its own.
 */
export const resourceDocuments = {
  Task: z.strictObject({ ...head('Task'), ...taskResourceSchema.shape }),
  Registry: z.strictObject({ ...head('Registry'), ...registryResourceSchema.shape }),
  Policy: z.strictObject({ ...head('Policy'), ...policyResourceSchema.shape }),
} as const;

export const resourceTypes = Object.keys(resourceDocuments) as ResourceType[];
export type ResourceType = keyof typeof resourceDocuments;
export type TaskDocument = z.input<(typeof resourceDocuments)['Task']>;
export type RegistryDocument = z.input<(typeof resourceDocuments)['Registry']>;
export type PolicyDocument = z.input<(typeof resourceDocuments)['Policy']>;
export type ResourceDocument = TaskDocument | RegistryDocument | PolicyDocument;

export const resourceDocumentSchema = z.discriminatedUnion('type', [
  resourceDocuments.Task,
  resourceDocuments.Registry,
  resourceDocuments.Policy,
]);

/** What a resource is called among those of its type. */
export const nameOfResource = (document: ResourceDocument): string =>
  document.type === 'Registry' ? document.host : document.name;
