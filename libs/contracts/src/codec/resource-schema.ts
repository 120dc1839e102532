import { z } from 'zod';
import { apiVersion, resourceDocumentSchema } from '../model/resource.js';
import type { JsonSchema } from './schema-json.js';

/** Where every service serves {@link resourceJsonSchema}. */
export const resourceSchemaPath = '/schemas/v1/resource.json';

/** JSON Schema of one document in a file that is applied: for editors, and for whoever checks files without Plinth. */
export const resourceJsonSchema = (): JsonSchema => {
  const { $schema, ...schema } = z.toJSONSchema(resourceDocumentSchema, { target: 'draft-2020-12', io: 'input' });
  return {
    $schema,
    $id: `https://plinth.dev${resourceSchemaPath}`,
    title: `Resource of Plinth (${apiVersion})`,
    ...schema,
  };
};
