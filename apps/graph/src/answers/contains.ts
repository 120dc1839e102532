import type { Output } from '#libs/contracts';
import type { PushBook } from '../projection/push-book.js';
import { familiar, short } from '../reasons/reason.js';

type Containing = Output<'listContaining'>['images'][number];

/**
 * Every image that a run built on a digest, or on an image that was built on it, and so on. Breadth first: the depth is
 * that of the shortest way. What was replaced since is followed, too: others were built on it while it was there.
 */
export const containing = (pushes: Pick<PushBook, 'builtOn' | 'indexesWith'>, digest: string): Containing[] => {
  const found: Containing[] = [];
  const images = new Set<string>();
  let level = [digest, ...pushes.indexesWith(digest)];
  const digests = new Set(level);
  for (let depth = 1; level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const through of level) {
      for (const { at, ...push } of pushes.builtOn(through)) {
        const image = `${push.reference}@${push.digest}`;
        if (images.has(image)) continue;
        images.add(image);
        found.push({ ...push, builtAt: at, depth, through });
        if (digests.has(push.digest)) continue;
        digests.add(push.digest);
        next.push(push.digest);
      }
    }
    level = next;
  }
  return found;
};

export const containsText = (
  digest: string,
  references: readonly string[],
  { standing, ever }: { readonly standing: number; readonly ever: number },
): string => {
  const names = references.map(familiar).join(', ');
  const subject = names === '' ? short(digest) : `${short(digest)} (${names})`;
  if (ever === 0) return `No image that Plinth built was built on ${subject}.`;
  const built = ever === 1 ? '1 image was' : `${ever} images were`;
  const stand = standing === 1 ? '1 still stands' : standing === 0 ? 'none still stands' : `${standing} still stand`;
  return `${built} built on ${subject}; ${stand} on it.`;
};
