import { styleText } from 'node:util';
import type { AcrReport, Applied, AppliedOne } from '#libs/declarative';
import { cell, type Column } from '../output/table.js';

export const changeColumns: readonly Column<AppliedOne>[] = [
  { title: 'type', value: ({ type }) => type },
  { title: 'name', value: ({ name }) => name },
  { title: 'action', value: ({ action }) => action },
  { title: 'fields', value: ({ changes }) => changes.map(({ field }) => field).join(', ') },
];

export const reportColumns: readonly Column<AcrReport>[] = [
  { title: 'task', value: ({ task }) => task },
  { title: 'outcome', value: ({ outcome }) => outcome },
  { title: 'lost', value: ({ notes }) => notes.map(({ field }) => field).join(', ') },
];

/** `2 created, 1 updated, 7 unchanged.` */
export const summaryOf = ({ created, updated, unchanged, deleted, dryRun }: Applied): string => {
  const parts = Object.entries({ created, updated, unchanged, deleted }).filter(([, count]) => count > 0);
  const words = parts.map(([word, count]) => `${count} ${word}`).join(', ') || 'nothing to change';
  return `${dryRun ? 'Would be: ' : ''}${words}.`;
};

/** Secrets that have to be stored before what was applied can work; nothing when all are there. */
export const missingNotes = ({ missingSecrets }: Applied): string[] =>
  missingSecrets.length === 0
    ? []
    : [
        `Not stored yet: ${missingSecrets.join(', ')}. What names a secret waits until it is there: plinth secret set NAME`,
      ];

const signs = { Created: '+', Updated: '~', Deleted: '-', Unchanged: ' ' } as const;
const colours = { Created: 'green', Updated: 'yellow', Deleted: 'red', Unchanged: 'gray' } as const;

/** What apply would change of a resource, field by field. */
export const differenceLines = ({ type, name, action, changes }: AppliedOne, colour: boolean): string[] => {
  const head = `${signs[action]} ${type} ${name}`;
  return [
    colour ? styleText(colours[action], head, { validateStream: false }) : head,
    ...changes.map(({ field, from, to }) => `    ${cell(field)}: ${valueText(from)} → ${valueText(to)}`),
  ];
};

const valueText = (value: unknown): string => (value === null ? '(absent)' : cell(JSON.stringify(value)));

/** Task by task what of it is lost, and what to do. What is complete is not told. */
export const acrNotes = (reports: readonly AcrReport[]): string[] => {
  if (reports.length === 0) return [];
  const count = (outcome: AcrReport['outcome']) => reports.filter((one) => one.outcome === outcome).length;
  return [
    `${reports.length} tasks of Azure Container Registry: ${count('Complete')} complete, ${count('Partly')} with something lost, ${count('LeftOut')} left out.`,
    ...reports
      .filter(({ notes }) => notes.length > 0)
      .flatMap(({ task, outcome, notes }) => [
        `${cell(task)}: ${outcome === 'LeftOut' ? 'left out' : 'carried over, but for this'}`,
        ...notes.flatMap(({ field, what, todo }) => [`  ${cell(field)}: ${cell(what)}`, `    → ${cell(todo)}`]),
      ]),
  ];
};
