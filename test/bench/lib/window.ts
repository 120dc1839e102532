/** Runs `count` pieces of work, at most `window` of them under way at once. */
export const inWindow = async (
  count: number,
  window: number,
  work: (index: number) => Promise<void>,
): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(window, count) }, worker));
};
