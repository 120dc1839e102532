/**
 * Does the work for each item, at most `window` at once: appends of different aggregates need not wait for each other.
 * After the first failure, or when the signal is aborted, nothing new begins; what has begun is waited for.
 *
 * @throws the first failure, or the signal's reason
 */
export const inWindow = async <T>(
  items: readonly T[],
  window: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> => {
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0 && !signal?.aborted) {
      try {
        await work(items[next++] as T);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(window, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  if (next < items.length) signal?.throwIfAborted();
};
