import { z } from 'zod';
import { timeSchema } from '../model/ids.js';
import { defineOperation } from '../operation.js';

export const findingSchema = z.object({
  code: z.string().describe('What was found, for machines.'),
  severity: z.enum(['Problem', 'Warning']),
  text: z.string().describe('What is wrong, with what.'),
  next: z.string().describe('What to do about it.'),
});
export type Finding = z.infer<typeof findingSchema>;

export const diagnosticsSchema = z.object({
  process: z.string().describe('Which process looked: a service, or the standalone one.'),
  time: timeSchema.describe('Its clock.'),
  checks: z.array(
    z.object({
      name: z.string(),
      looked: z.string().describe('What was looked at.'),
      findings: z.array(findingSchema),
    }),
  ),
});
export type Diagnostics = z.infer<typeof diagnosticsSchema>;

export const diagnosticsOperations = {
  getDiagnostics: defineOperation({
    name: 'getDiagnostics',
    service: 'every',
    method: 'GET',
    path: '/v1/diagnostics',
    scope: 'admin',
    team: 'none',
    summary: 'What is wrong with this process and around it',
    description: 'Looks now. Each process answers for itself and the services in it.',
    input: z.object({}),
    output: diagnosticsSchema,
    errors: [],
  }),
};
