import type { ImageView } from '#libs/contracts';
import { statusColour } from '../output/colour.js';
import type { Column } from '../output/table.js';
import { familiar, shortDigest, toSecond } from '../output/words.js';

const stateOf = ({ current, held, lastError }: ImageView): string => {
  if (lastError !== null) return 'Error';
  if (held) return 'Held';
  return current ? 'ok' : 'Missing';
};

export const imageColumns: readonly Column<ImageView>[] = [
  { title: 'image', value: ({ reference }) => familiar(reference) },
  { title: 'digest', value: ({ adopted }) => shortDigest(adopted?.digest) },
  { title: 'state', value: stateOf, paint: statusColour },
  { title: 'since', value: ({ history }) => toSecond(history[0]?.at) },
  { title: 'last look', value: ({ lastLookAt }) => toSecond(lastLookAt) },
  { title: 'next look', value: ({ nextLookAt }) => toSecond(nextLookAt), wide: true },
  { title: 'platforms', value: ({ current }) => Object.keys(current?.platforms ?? {}).join(','), wide: true },
  { title: 'last error', value: ({ lastError }) => lastError, wide: true },
];

export const imageFields = (image: ImageView): (readonly [string, string | string[] | null | undefined])[] => [
  ['Image', image.reference],
  ['Adopted', image.adopted?.digest],
  ['Seen', image.current?.digest ?? 'not there'],
  ['Held', image.held && `${image.held.digest}: ${image.held.reason}`],
  [
    'Platforms',
    Object.entries(image.current?.platforms ?? {}).map(([name, digest]) => `${name} ${shortDigest(digest)}`),
  ],
  ['Watched since', toSecond(image.watchedSince)],
  ['Last look', toSecond(image.lastLookAt)],
  ['Next look', toSecond(image.nextLookAt)],
  ['Last error', image.lastError],
];
