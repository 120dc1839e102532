import { PlinthError, type FieldViolation } from '#libs/contracts';
import type { z } from 'zod';

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

/** What zod found, by field. A request is never answered with more than 32. */
export const violationsOf = (error: z.ZodError): FieldViolation[] => flatten(error.issues).slice(0, 32);

const strict = new WeakMap<z.ZodObject, z.ZodObject>();

/** The same object schema, which refuses unknown fields. */
export const strictOf = (schema: z.ZodObject): z.ZodObject => {
  let made = strict.get(schema);
  if (!made) strict.set(schema, (made = schema.strict()));
  return made;
};

/**
 * The input that a handler gets.
 *
 * @throws PlinthError INVALID_ARGUMENT that names each field which is unknown or not as it must be
 */
export const parseInput = (schema: z.ZodObject, value: unknown): Record<string, unknown> => {
  const parsed = strictOf(schema).safeParse(value);
  if (parsed.success) return parsed.data;
  const violations = violationsOf(parsed.error);
  const fields = [...new Set(violations.map(({ field }) => field || 'the body'))];
  throw new PlinthError(
    'INVALID_ARGUMENT',
    `Not valid: ${fields.slice(0, 5).join(', ')}${fields.length > 5 ? ` and ${fields.length - 5} more` : ''}.`,
    violations,
    { cause: parsed.error },
  );
};
