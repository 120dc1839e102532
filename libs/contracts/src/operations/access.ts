import { z } from 'zod';
import { timeSchema } from '../model/ids.js';
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
export const secretViewSchema = z.object({ name: secretName, version: z.number().int(), createdAt: timeSchema });

export const accessOperations = {
  createToken: defineOperation({
    name: 'createToken',
    service: 'scheduler',
    method: 'POST',
    path: '/v1/tokens',
    scope: 'admin',
    status: 201,
    summary: 'Make a token',
    description: 'The token itself is answered this once; only its hash is kept.',
    input: z.strictObject({
      name: tokenName,
      scope: scopeSchema,
      team: z.string().max(63).default('default'),
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
    summary: 'Store a secret',
    description: 'A new version; what names no version uses the newest. The value is never answered.',
    input: z.strictObject({ name: secretName, value: z.string().min(1).max(65_536) }),
    output: secretViewSchema,
    errors: [],
  }),
  listSecrets: defineOperation({
    name: 'listSecrets',
    service: 'scheduler',
    method: 'GET',
    path: '/v1/secrets',
    scope: 'write',
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
    summary: 'Remove a secret',
    input: z.object({ name: secretName }),
    output: empty,
    errors: ['NOT_FOUND'],
  }),
};
