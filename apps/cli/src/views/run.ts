import type { RunView } from '#libs/contracts';
import { statusColour } from '../output/colour.js';
import type { Column } from '../output/table.js';
import { durationBetween, shortDigest, toSecond } from '../output/words.js';

/** What started a run, in az's words. */
export const triggerOf = ({ causes }: Pick<RunView, 'causes'>): string => {
  if (causes.some(({ type }) => type === 'BaseImageMoved')) return 'Image Update';
  if (causes.some(({ type }) => type === 'DefinitionChanged')) return 'Definition';
  return 'Manual';
};

/** az's columns. */
export const runColumns = (now: Date): readonly Column<RunView>[] => [
  { title: 'run id', value: ({ runId }) => runId },
  { title: 'task', value: ({ task }) => task },
  { title: 'platform', value: ({ platform }) => platform.os.toLowerCase() },
  { title: 'status', value: ({ status }) => status, paint: statusColour },
  { title: 'trigger', value: triggerOf },
  { title: 'started', value: ({ startTime }) => toSecond(startTime) },
  { title: 'duration', value: ({ startTime, finishTime }) => durationBetween(startTime, finishTime, now) },
  { title: 'team', value: ({ team }) => team, wide: true },
  { title: 'attempts', value: ({ attempts }) => attempts.length, wide: true },
  { title: 'images', value: ({ outputs }) => outputs.map(({ reference }) => reference).join(','), wide: true },
  { title: 'message', value: ({ runErrorMessage }) => runErrorMessage, wide: true },
];

const causeText = (cause: RunView['causes'][number]): string => {
  switch (cause.type) {
    case 'BaseImageMoved':
      return `${cause.reference} moved ${shortDigest(cause.from)} → ${shortDigest(cause.to)}`;
    case 'DefinitionChanged':
      return 'what it builds was changed';
    case 'Manual':
      return `run by ${cause.by}`;
  }
};

const attemptText = ({ number, status, builder, engine, isolation, message }: RunView['attempts'][number]): string =>
  `${number} ${status}${builder ? ` on ${builder}` : ''}${engine ? ` by ${engine} (${isolation})` : ''}${message ? `: ${message}` : ''}`;

export const runFields = (run: RunView, now: Date): (readonly [string, string | string[] | null])[] => [
  ['Run', run.runId],
  ['Task', run.task ?? 'none: a build once'],
  ['Team', run.team],
  ['Status', run.status],
  ['Message', run.runErrorMessage],
  ['Platforms', run.platforms.join(', ')],
  ['Because', run.causes.map(causeText)],
  ['Created', toSecond(run.createTime)],
  ['Started', toSecond(run.startTime)],
  ['Finished', toSecond(run.finishTime)],
  ['Duration', durationBetween(run.startTime, run.finishTime, now)],
  ['Source', run.sourceRevision],
  ['Built on', run.inputs.map(({ reference, digest, role }) => `${reference}@${shortDigest(digest)} (${role})`)],
  ['Pushed', run.outputs.map(({ reference, digest }) => `${reference}@${shortDigest(digest)}`)],
  ['Unchanged', run.unchanged ? 'yes: the same digest as before' : ''],
  ['Overridden', run.overridden ? 'yes: it never counts as the standing run' : ''],
  ['Waves', run.waves.join(', ')],
  ['Attempts', run.attempts.map(attemptText)],
];
