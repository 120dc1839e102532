import { entry, type CommandEntry } from '../command.js';

/** Every command, in the order in which help shows them. A new one is a file and a line here. */
export const commands: readonly CommandEntry[] = [
  entry('why', 'Why a task, an image or a run is as it is', () => import('./why.js')),
  entry('task list', 'List tasks', () => import('./task/list.js')),
  entry('task show', 'Show a task', () => import('./task/show.js')),
  entry('ctx list', 'List contexts', () => import('./ctx/list.js')),
  entry('ctx add', 'Add or change a context', () => import('./ctx/add.js')),
  entry('ctx use', 'Use a context from now on', () => import('./ctx/use.js')),
  entry('ctx remove', 'Remove a context', () => import('./ctx/remove.js')),
];

/** What the commands of a noun are about. */
export const nouns: Readonly<Record<string, string>> = {
  task: 'Tasks: what is built of what, and when',
  ctx: 'Contexts: servers that you work with',
};
