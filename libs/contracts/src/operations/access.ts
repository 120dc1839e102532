import { z } from 'zod';
import { teamSchema, timeSchema } from '../model/ids.js';
import { defineOperation, scopes } from '../operation.js';
import { empty, pageInput, pageOutput } from './paging.js';

const scopeSchema = z.enum(scopes).describe('`admin` includes `write`, `write` includes `run`, `run` includes `read`.');
const tokenName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
const secretName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);

export const tokenViewSchema = z.object({
  name: tokenName,
  scope: scopeSchema,
  team: z.string(),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
});
export const secretViewSchema = z.object({
  name: secretName,
  version: z.number().int().describe('Newest version.'),
  createdAt: timeSchema.describe('When that version was stored.'),
  team: teamSchema,
  shared: z.boolean().describe('Tasks of every team may use it; else only those of its own team.'),
});
const secretUserSchema = z.object({
  kind: z.enum(['Task', 'Registry']),
  name: z.string(),
  field: z.string().describe('Where it names the secret, such as `step.arguments[0].secretRef`.'),
});

export const accessOperations = {
  createToken: defineOperation({
    name: 'createToken',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/tokens',
    scope: 'admin',
    team: 'none',
    status: 201,
    summary: 'Make a token',
    description: 'The token itself is answered this once; only its hash is kept.',
    answersSecret: true,
    input: z.strictObject({
      name: tokenName,
      scope: scopeSchema,
      team: teamSchema.default('default'),
      expiresAt: timeSchema.optional(),
    }),
    output: tokenViewSchema.extend({ token: z.string() }),
    errors: ['ALREADY_EXISTS'],
  }),
  listTokens: defineOperation({
    name: 'listTokens',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/tokens',
    scope: 'admin',
    team: 'none',
    summary: 'List tokens',
    input: z.object({ ...pageInput }),
    output: z.object({ tokens: z.array(tokenViewSchema), ...pageOutput }),
    errors: [],
  }),
  revokeToken: defineOperation({
    name: 'revokeToken',
    service: 'scheduler',
    method: 'DELETE',
    path: '/v1/tokens/{name}',
    scope: 'admin',
    team: 'none',
    summary: 'Revoke a token',
    input: z.object({ name: tokenName }),
    output: empty,
    errors: ['NOT_FOUND'],
  }),
  setSecret: defineOperation({
    name: 'setSecret',
    service: 'scheduler',
    method: 'PUT',
    path: '/v1/secrets/{name}',
    scope: 'write',
    team: { of: 'secret', by: 'name' },
    summary: 'Store a secret',
    description:
      'A new version; what names no version uses the newest. The value is never answered. It belongs to the team that first stored it.',
    input: z.strictObject({
      name: secretName,
      value: z.string().min(1).max(65_536),
      team: teamSchema.optional().describe("Owning team of a new secret; the token's by default."),
      shared: z.boolean().optional().describe('Let tasks of every team use it. Absent: as it was; at first not.'),
    }),
    output: secretViewSchema,
    errors: [],
  }),
  getSecret: defineOperation({
    name: 'getSecret',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/secrets/{name}',
    scope: 'write',
    team: { of: 'secret', by: 'name' },
    summary: 'Show a secret, and what names it',
    description: 'Never its value.',
    input: z.object({ name: secretName }),
    output: secretViewSchema.extend({ usedBy: z.array(secretUserSchema).describe('At most 1000.') }),
    errors: ['NOT_FOUND'],
  }),
  resealSecrets: defineOperation({
    name: 'resealSecrets',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/secrets/reseal',
    scope: 'admin',
    team: 'none',
    summary: 'Seal all secrets with the newest key',
    description:
      'The second step of a rotation: put a new key first into the key file, let every process have it, call this, take the old key out.',
    input: z.object({}),
    output: z.object({
      key: z.string().describe('Id of the key that seals from now on: the first of the key file.'),
      resealed: z.number().int().describe('Versions that were sealed with another key before.'),
    }),
    errors: ['FAILED_PRECONDITION'],
  }),
  listSecrets: defineOperation({
    name: 'listSecrets',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/secrets',
    scope: 'write',
    team: 'own',
    summary: 'List secrets',
    input: z.object({ ...pageInput }),
    output: z.object({ secrets: z.array(secretViewSchema), ...pageOutput }),
    errors: [],
  }),
  deleteSecret: defineOperation({
    name: 'deleteSecret',
    service: 'scheduler',
    method: 'DELETE',
    path: '/v1/secrets/{name}',
    scope: 'write',
    team: { of: 'secret', by: 'name' },
    summary: 'Remove a secret',
    description: 'All versions. One that a task or a registry names is kept, unless `force` says otherwise.',
    input: z.object({ name: secretName, force: z.stringbool().optional() }),
    output: empty,
    errors: ['NOT_FOUND', 'FAILED_PRECONDITION'],
  }),
};
