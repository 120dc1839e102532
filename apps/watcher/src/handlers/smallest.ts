/** The first `size` of those that are wanted, in order, in one pass: it keeps no more than twice so many. */
export const smallest = (
  size: number,
  from: Iterable<string>,
  isWanted: (one: string) => boolean,
): { readonly page: string[]; readonly more: boolean } => {
  let kept: string[] = [];
  let more = false;
  let largest: string | undefined;
  for (const one of from) {
    if (!isWanted(one)) continue;
    if (largest !== undefined && one >= largest) {
      more = true;
      continue;
    }
    kept.push(one);
    if (kept.length <= 2 * size) continue;
    kept = kept.sort().slice(0, size);
    largest = kept.at(-1);
    more = true;
  }
  kept.sort();
  return { page: kept.slice(0, size), more: more || kept.length > size };
};
