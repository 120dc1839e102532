import type { ImageView } from '#libs/contracts';
import { statusColour } from '../output/colour.js';
import type { Column } from '../output/table.js';
import { familiar, shortDigest, toSecond } from '../output/words.js';

const stateOf = ({ current, held, pinned, heldByHand, lastError }: ImageView): string => {
  if (lastError !== null) return 'Error';
  if (pinned) return 'Pinned';
  if (held || heldByHand) return 'Held';
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
  { title: 'mirror', value: ({ mirror }) => mirror?.reference, wide: true },
  { title: 'last error', value: ({ lastError }) => lastError, wide: true },
];

/** How the mirror stands to the registry that it mirrors. */
const upstreamOf = (mirror: NonNullable<ImageView['mirror']>): string => {
  const { upstreamDigest, upstreamLookAt, behindSince, lastError } = mirror;
  if (lastError !== null) return `not known: ${lastError}`;
  if (upstreamLookAt === null) return 'not looked at yet';
  const seen = `${upstreamDigest === null ? 'not there' : shortDigest(upstreamDigest)}, seen ${toSecond(upstreamLookAt)}`;
  return behindSince === null ? seen : `${seen}; the mirror is behind since ${toSecond(behindSince)} at least`;
};

const waits = ({ digest, since, code, reason, adoptAt, anomalies }: ImageView['candidates'][number]): string => {
  const when = adoptAt === null ? 'not by itself' : `adopted at ${toSecond(adoptAt)}`;
  const odd = code === 'Anomaly' ? [] : anomalies.map(({ message }) => message);
  return `${digest}, seen ${toSecond(since)}, ${when}: ${[reason, ...odd].join(' ')}`;
};

/** Names of some, and how many there are. */
const tasksOf = ({ tasks, dependants }: ImageView): string => {
  const shown = tasks.slice(0, 10).join(', ');
  return dependants > 10 ? `${shown} and ${dependants - 10} more` : shown;
};

export const imageFields = (image: ImageView): (readonly [string, string | string[] | null | undefined])[] => [
  ['Image', image.reference],
  ['Adopted', image.adopted?.digest],
  ['Seen', image.current?.digest ?? 'not there'],
  ['Version', image.adopted?.tag],
  ['Policy', image.policy],
  ['Pinned', image.pinned && `by ${image.pinned.by} at ${toSecond(image.pinned.at)}: ${image.pinned.reason}`],
  [
    'Held',
    image.heldByHand && `by ${image.heldByHand.by} at ${toSecond(image.heldByHand.at)}: ${image.heldByHand.reason}`,
  ],
  ['Waiting', image.candidates.map(waits)],
  ['Odd', image.anomalies.map(({ message }) => message)],
  ['Missing', image.missingPlatforms.join(', ')],
  ['Gone since', toSecond(image.vanishedAt)],
  [
    'Platforms',
    Object.entries(image.current?.platforms ?? {}).map(([name, digest]) => `${name} ${shortDigest(digest)}`),
  ],
  ['Watched since', toSecond(image.watchedSince)],
  ['Watched for', tasksOf(image)],
  ['Watched by', image.watchedBy === 'Polling' ? 'polling' : 'notification, and slow polling'],
  ['Last look', toSecond(image.lastLookAt)],
  ['Next look', toSecond(image.nextLookAt)],
  ['Mirror', image.mirror?.reference],
  ['Upstream', image.mirror && upstreamOf(image.mirror)],
  ['Last error', image.lastError],
  [
    'Digests',
    image.history.map(({ digest, at, seenBy }) => `${shortDigest(digest)} since ${toSecond(at)}, by ${seenBy}`),
  ],
];
