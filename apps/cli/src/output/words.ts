/** Twelve characters of a digest, as docker shows them. */
export const shortDigest = (digest: string | null | undefined): string => (digest ? digest.slice(7, 19) : '');

/** `00:01:30`, as az prints the time that a run took. Empty while it has not begun. */
export const durationBetween = (from: string | null, to: string | null, now: Date): string => {
  if (from === null) return '';
  const seconds = Math.max(
    0,
    Math.round(((to === null ? now : new Date(to)).getTime() - new Date(from).getTime()) / 1000),
  );
  const two = (count: number): string => String(count).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
};

/** A time to the second. */
export const toSecond = (time: string | null | undefined): string => (time ? time.replace(/\.\d+(?=Z|[+-])/, '') : '');

/** `docker.io/library/node:22` → `node:22`, as people write it. */
export const familiar = (reference: string): string => reference.replace(/^docker\.io\/(library\/)?/, '');

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
