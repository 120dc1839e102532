import type { z } from 'zod';
import type { FieldViolation } from './errors.js';

/** Path of a field as people write it: `step.imageNames[0]`, `tags["a b"]`. */
export const fieldPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = String(part);
    if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');

const flatten = (issues: readonly z.core.$ZodIssue[], base: readonly PropertyKey[] = []): FieldViolation[] =>
  issues.flatMap((issue): FieldViolation[] => {
    const path = [...base, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ field: fieldPath([...path, key]), message: 'is not a field of this request' }));
    }
    if (issue.code === 'invalid_union' && issue.errors.some((branch) => branch.length > 0)) {
      return issue.errors.flatMap((branch) => flatten(branch, path));
    }
    const missing = issue.code === 'invalid_type' && issue.input === undefined && /undefined/.test(issue.message);
    return [{ field: fieldPath(path), message: missing ? `is missing (${issue.message})` : issue.message }];
  });

/** What zod found, by field. */
export const violationsOf = (error: z.ZodError, most = 32): FieldViolation[] => flatten(error.issues).slice(0, most);
