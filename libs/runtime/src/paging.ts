import { PlinthError } from '#libs/contracts';

const most = 1000;

/** A size over the maximum is lowered (AIP-158); absent and 0 mean 50. */
export const pageSizeOf = (size: number | undefined): number => Math.min(size || 50, most);

export const tokenOf = (cursor: string | number): string => Buffer.from(String(cursor)).toString('base64url');

const foreignToken = (): PlinthError =>
  new PlinthError('INVALID_ARGUMENT', 'pageToken is none that was answered.', [
    { field: 'pageToken', message: 'expected the nextPageToken of the page before, unchanged' },
  ]);

/** @throws PlinthError INVALID_ARGUMENT for a token that we did not make */
export const cursorOf = (token: string | undefined): string | undefined => {
  if (!token) return undefined;
  const cursor = Buffer.from(token, 'base64url').toString('utf8');
  if (tokenOf(cursor) !== token) {
    throw foreignToken();
  }
  return cursor;
};

/**
 * The cursor of a list that is ordered by number.
 * @throws PlinthError INVALID_ARGUMENT for a token that we did not make
 */
export const numberCursorOf = (token: string | undefined): number | undefined => {
  const cursor = cursorOf(token);
  if (cursor === undefined) return undefined;
  if (/^[0-9]{1,16}$/.test(cursor)) return Number(cursor);
  throw foreignToken();
};

/** One page of a list that is sorted by name. */
export const pageByName = <T extends { readonly name: string }>(
  all: readonly T[],
  input: { readonly pageSize?: number | undefined; readonly pageToken?: string | undefined },
): { items: T[]; nextPageToken: string } => {
  const size = pageSizeOf(input.pageSize);
  const after = cursorOf(input.pageToken) ?? '';
  const rest = all.filter(({ name }) => name > after);
  const items = rest.slice(0, size);
  return { items, nextPageToken: rest.length > size ? tokenOf(items.at(-1)!.name) : '' };
};
