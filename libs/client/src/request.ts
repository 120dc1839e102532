import { pathFields, PlinthError, takesQuery, type Route } from '#libs/contracts/light';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Where a request goes, and with which body.
 *
 * @throws PlinthError INVALID_ARGUMENT when a field of the path is missing
 */
export const requestOf = (
  operation: Pick<Route, 'name' | 'method' | 'path' | 'kind'>,
  input: Fields,
): { target: string; body: string | undefined } => {
  const inPath = pathFields(operation.path);
  const path = operation.path.replace(/\{([A-Za-z]+)\}/g, (_match, name: string) => {
    const value = input[name];
    if (typeof value !== 'string' || value === '') {
      throw new PlinthError('INVALID_ARGUMENT', `${operation.name} needs ${name}.`, [
        { field: name, message: 'is missing' },
      ]);
    }
    return encodeURIComponent(value);
  });
  const rest = Object.entries(input).filter(([name, value]) => value !== undefined && !inPath.includes(name));
  if (!takesQuery(operation)) {
    return { target: path, body: rest.length > 0 ? JSON.stringify(Object.fromEntries(rest)) : undefined };
  }
  const query = new URLSearchParams(
    rest.map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  ).toString();
  return { target: query === '' ? path : `${path}?${query}`, body: undefined };
};
