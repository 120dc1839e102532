/**
 * Which engines are tested here: all, unless `PLINTH_TEST_ENGINES` (names, comma-separated) leaves one out on purpose.
 * `npm test` leaves out Buildah where it is not installed, and BuildKit where it cannot be built, and says so.
 */
export function isTested(engine: string): boolean {
  const wanted = process.env['PLINTH_TEST_ENGINES'];
  return wanted === undefined || wanted.split(',').some((name) => name.trim() === engine);
}
