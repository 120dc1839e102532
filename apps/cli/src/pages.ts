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

/** An answer with a list in it, as it would be were it one page: what it says beside the list is that of the first. */
export const wholePages = async <K extends string, P extends Page & Readonly<Record<K, readonly unknown[]>>>(
  ask: (page: PageInput) => Promise<P>,
  list: K,
): Promise<Omit<P, 'nextPageToken'>> => {
  let first: P | undefined;
  const items = await allPages(
    async (page) => {
      const answer = await ask(page);
      first ??= answer;
      return answer;
    },
    (page) => page[list],
  );
  const { nextPageToken: _token, ...rest } = first!;
  return { ...rest, [list]: items };
};
