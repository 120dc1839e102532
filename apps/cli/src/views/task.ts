import type { TaskView } from '#libs/contracts';
import { statusColour } from '../output/colour.js';
import type { Column } from '../output/table.js';
import { shortDigest } from '../output/words.js';

/** What starts a task by itself, in az's words. */
const triggersOf = ({ trigger }: TaskView): string =>
  trigger.baseImageTrigger?.status === 'Enabled' ? 'BASE_IMAGE' : '';

export const taskColumns: readonly Column<TaskView>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'platform', value: ({ platforms }) => platforms.join(',') },
  { title: 'status', value: ({ status }) => status, paint: statusColour },
  { title: 'source', value: ({ step }) => shortSource(step.contextPath) },
  { title: 'triggers', value: triggersOf },
  { title: 'team', value: ({ team }) => team, wide: true },
  { title: 'images', value: ({ step }) => step.imageNames.join(','), wide: true },
  { title: 'inputs', value: ({ inputsStatus }) => inputsStatus, wide: true },
  { title: 'last run', value: ({ lastRun }) => lastRun, wide: true },
];

/** An uploaded context is named by a digest that nobody reads whole. */
export const shortSource = (contextPath: string): string =>
  contextPath.startsWith('context://') ? `context ${shortDigest(contextPath.slice('context://'.length))}` : contextPath;

export const taskFields = (task: TaskView): (readonly [string, string | string[] | null])[] => [
  ['Name', task.name],
  ['Team', task.team],
  ['Status', task.status],
  ['Platforms', task.platforms.join(', ')],
  ['Context', task.step.contextPath],
  ['Dockerfile', task.step.dockerFilePath],
  ['Target', task.step.target ?? ''],
  ['Images', [...task.step.imageNames]],
  ['Push', task.step.isPushEnabled ? '' : 'no'],
  [
    'Arguments',
    task.step.arguments.map(
      ({ name, value, secretRef }) => `${name}=${secretRef ? `secret ${secretRef}` : (value ?? '')}`,
    ),
  ],
  ['Timeout', `${task.timeout} s`],
  [
    'Base trigger',
    task.trigger.baseImageTrigger
      ? `${task.trigger.baseImageTrigger.baseImageTriggerType}, ${task.trigger.baseImageTrigger.status}`
      : 'none',
  ],
  [
    'Inputs',
    task.inputsStatus === 'Known'
      ? task.inputs.map(inputText)
      : `${task.inputsStatus}${task.inputsReason ? `: ${task.inputsReason}` : ''}`,
  ],
  ['Circuit', task.circuit ? `open: ${task.circuit.reason} Tried again at ${task.circuit.retryAt}` : ''],
  ['Last run', task.lastRun],
  ['Standing run', task.standingRun],
  ['Created', task.creationDate],
];

const inputText = ({ reference, role, tracked, pinned, used }: TaskView['inputs'][number]): string =>
  `${reference} (${role}, ${pinned ? 'pinned' : tracked ? 'tracked' : 'not tracked'}${used ? `, used ${shortDigest(used)}` : ''})`;
