import { fieldPath, PlinthError, violationsOf } from '#libs/contracts';
import type { z } from 'zod';

export { fieldPath, violationsOf };

/** Problems that an answer names at most; where many things come at once, many may be wrong. */
const mostProblems = 32;
export const mostProblemsOfMany = 1000;

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
export const parseInput = (schema: z.ZodObject, value: unknown, most = mostProblems): Record<string, unknown> => {
  const parsed = strictOf(schema).safeParse(value);
  if (parsed.success) return parsed.data;
  const violations = violationsOf(parsed.error, most);
  const fields = [...new Set(violations.map(({ field }) => field || 'the body'))];
  throw new PlinthError(
    'INVALID_ARGUMENT',
    `Not valid: ${fields.slice(0, 5).join(', ')}${fields.length > 5 ? ` and ${fields.length - 5} more` : ''}.`,
    violations,
    { cause: parsed.error },
  );
};
