import type { Pin, Snapshot } from '#libs/contracts';
import { platformDigest } from './platform-digest.js';

const short = (digest: string): string => digest.slice(0, 'sha256:'.length + 12);

/**
 * Whether the offer that a run answers still stands: each pin must be what dependants may use now, which is the
 * newest adopted snapshot that has all platforms of the pin. Compared by the platforms' digests, as staleness is: an
 * index that changed for other platforms changes nothing here.
 *
 * @returns the sentence that says which pin is out of date, or undefined when all hold
 */
export const supersededPin = (
  pins: readonly Pin[],
  adopted: (reference: string) => readonly Snapshot[],
): string | undefined => {
  for (const pin of pins) {
    const platforms = Object.keys(pin.platforms);
    const now = adopted(pin.reference).find((snapshot) =>
      platforms.every((platform) => platformDigest(snapshot, platform) !== undefined),
    );
    // Nothing is adopted that could take its place.
    if (!now || now.digest === pin.digest) continue;
    const moved = platforms.some((platform) => platformDigest(now, platform) !== pin.platforms[platform]);
    if (moved) {
      return `${pin.reference} moved from ${short(pin.digest)} to ${short(now.digest)} before the build began; a run on the new digest takes its place.`;
    }
  }
  return undefined;
};
