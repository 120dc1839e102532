import { PlinthError, takesQuery, type Operation } from '#libs/contracts';

/** `/v1/tasks/{name}` as the router writes it: `/v1/tasks/:name`. */
export const routerPath = (path: string): string => path.replace(/\{([A-Za-z]+)\}/g, ':$1');

/**
 * The input as the schema wants it: path, query and body in one object.
 *
 * @throws PlinthError INVALID_ARGUMENT when the same field stands in two places with different values, or a query
 *   where none is taken
 */
export const mergeInput = (
  operation: Operation,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, unknown>>,
  body: Readonly<Record<string, unknown>>,
): Record<string, unknown> => {
  const stray = takesQuery(operation) ? [] : Object.keys(query);
  if (stray.length > 0) {
    throw new PlinthError(
      'INVALID_ARGUMENT',
      `${operation.method} ${operation.path} takes its fields in the body, not in the query.`,
      stray.map((field) => ({ field, message: 'stands in the query; put it into the body' })),
    );
  }
  const rest = takesQuery(operation) ? query : body;
  for (const [field, value] of Object.entries(params)) {
    if (Object.hasOwn(rest, field) && rest[field] !== value) {
      throw new PlinthError('INVALID_ARGUMENT', `${field} is "${value}" in the path and something else beside it.`, [
        { field, message: 'differs from the path; leave it out' },
      ]);
    }
  }
  return { ...rest, ...params };
};
