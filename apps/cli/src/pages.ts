/** The part of every list operation that is about pages. */
interface Page {
  readonly nextPageToken: string;
}
export interface PageInput {
  readonly pageSize?: number;
  readonly pageToken?: string;
}

/** Items of a list over all its pages, `limit` at most. */
export const allPages = async <P extends Page, T>(
  ask: (page: PageInput) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
  limit = Infinity,
): Promise<T[]> => {
  const items: T[] = [];
  let pageToken = '';
  do {
    const page = await ask({
      pageSize: Math.min(1000, limit - items.length),
      ...(pageToken === '' ? {} : { pageToken }),
    });
    items.push(...itemsOf(page));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && items.length < limit);
  return items.slice(0, limit);
};
