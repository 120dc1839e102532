import { z } from 'zod';
import { registryResourceSchema } from './registry.js';
import { taskResourceSchema } from './task.js';

/** What a document in a file says first: whose schema it is of. */
export const apiVersion = 'plinth.dev/v1';

const head = <K extends string>(kind: K) => ({
  apiVersion: z.literal(apiVersion).describe('Version of this schema.'),
  kind: z.literal(kind),
});

/** One resource in a file: the fields of the operation that creates it, and in front of them what it is. */
export const resourceDocuments = {
  Task: z.strictObject({ ...head('Task'), ...taskResourceSchema.shape }),
  Registry: z.strictObject({ ...head('Registry'), ...registryResourceSchema.shape }),
} as const;

export const resourceKinds = Object.keys(resourceDocuments) as ResourceKind[];
export type ResourceKind = keyof typeof resourceDocuments;
export type TaskDocument = z.input<(typeof resourceDocuments)['Task']>;
export type RegistryDocument = z.input<(typeof resourceDocuments)['Registry']>;
export type ResourceDocument = TaskDocument | RegistryDocument;

export const resourceDocumentSchema = z.discriminatedUnion('kind', [
  resourceDocuments.Task,
  resourceDocuments.Registry,
]);

/** What a resource is called among those of its kind. */
export const nameOfResource = (document: ResourceDocument): string =>
  document.kind === 'Task' ? document.name : document.host;
