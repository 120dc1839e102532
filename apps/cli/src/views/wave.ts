import type { WaveView } from '#libs/contracts';
import type { Column } from '../output/table.js';
import { durationBetween, familiar, plural, shortDigest, toSecond } from '../output/words.js';

const done = ({ counts, tasks }: WaveView): string => `${tasks - counts.waiting - counts.running}/${tasks}`;

export const waveColumns = (now: Date): readonly Column<WaveView>[] => [
  { title: 'wave', value: ({ wave }) => wave },
  { title: 'image', value: ({ reference }) => familiar(reference) },
  { title: 'to', value: ({ to }) => shortDigest(to) },
  { title: 'opened', value: ({ openedAt }) => toSecond(openedAt) },
  { title: 'state', value: ({ closedAt }) => (closedAt === null ? 'open' : 'closed') },
  { title: 'done', value: done },
  { title: 'failed', value: ({ counts }) => counts.failed },
  { title: 'took', value: ({ openedAt, closedAt }) => durationBetween(openedAt, closedAt, now) },
  { title: 'seen by', value: ({ seenBy }) => seenBy, wide: true },
  { title: 'depth', value: ({ depth }) => depth, wide: true },
];

const words: Readonly<Record<keyof WaveView['counts'], string>> = {
  waiting: 'waiting',
  running: 'running',
  built: 'built',
  unchanged: 'unchanged',
  restored: 'restored',
  rebased: 'rebased',
  failed: 'failed',
  excused: 'excused',
};

export const waveFields = (wave: WaveView, now: Date): (readonly [string, string])[] => [
  ['Wave', wave.wave],
  ['Image', wave.reference],
  ['Moved', `${shortDigest(wave.from) || 'nothing'} → ${shortDigest(wave.to)}, seen by ${wave.seenBy}`],
  ['Opened', toSecond(wave.openedAt)],
  ['Closed', toSecond(wave.closedAt)],
  ['Took', durationBetween(wave.openedAt, wave.closedAt, now)],
  ['Touches', `${plural(wave.tasks, 'task')} on ${plural(wave.depth, 'level')}`],
  [
    'Tasks',
    (Object.keys(words) as (keyof typeof words)[])
      .filter((key) => wave.counts[key] > 0)
      .map((key) => `${wave.counts[key]} ${words[key]}`)
      .join(', '),
  ],
];
