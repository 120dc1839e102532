import { apiVersion, resourceDocuments, violationsOf, type TaskDocument } from '#libs/contracts';
import { fieldsAt, isFields, LeftOut, leftOut, textAt, type AcrNote, type Fields } from './notes.js';
import { restOf } from './rest.js';
import { importStep } from './steps.js';
import { importTrigger } from './triggers.js';

export type { AcrNote } from './notes.js';

export interface AcrOptions {
  /** Login server of the registry, where the file does not say it or it is not in the public cloud. */
  readonly registry?: string | undefined;
}

/** `Complete`: nothing is lost; `Partly`: the notes say what is; `LeftOut`: there is no task in Plinth for it. */
export type AcrOutcome = 'Complete' | 'Partly' | 'LeftOut';

export interface AcrReport {
  readonly task: string;
  readonly outcome: AcrOutcome;
  readonly notes: readonly AcrNote[];
}

const resourceType = 'Microsoft.ContainerRegistry/registries/tasks';

/** An element of what `az acr task list -o json` or `az acr task show -o json` prints. */
export const isAcrTask = (value: unknown): value is Fields =>
  isFields(value) &&
  value['apiVersion'] === undefined &&
  (String(value['type']).toLowerCase() === resourceType.toLowerCase() ||
    /\/registries\/[^/]+\/tasks\/[^/]+$/i.test(String(value['id'])));

/** The REST API puts into `properties` what the CLI prints beside the name. */
const flattened = (task: Fields): Fields => {
  const { properties, ...outer } = task;
  return isFields(properties) ? { ...properties, ...outer } : task;
};

const loginServer = (task: Fields, { registry }: AcrOptions): string | undefined => {
  if (registry !== undefined)
    return registry.includes('.') || registry.includes(':') ? registry : `${registry}.azurecr.io`;
  const name = /\/registries\/([^/]+)\//i.exec(String(task['id']))?.[1];
  return name === undefined ? undefined : `${name.toLowerCase()}.azurecr.io`;
};

const architectures: Readonly<Record<string, string>> = { x86: '386' };

const platformOf = (given: unknown): NonNullable<TaskDocument['platform']> => {
  const platform = fieldsAt(given);
  const architecture = textAt(platform['architecture'])?.toLowerCase() ?? 'amd64';
  const variant = textAt(platform['variant'])?.toLowerCase();
  if (String(platform['os']).toLowerCase() === 'windows') {
    return leftOut(
      'platform.os',
      'The task builds for Windows; the builders of Plinth build for Linux.',
      'Keep it where it is. Its image can still be a base: Plinth watches any tag.',
    );
  }
  return {
    os: 'Linux',
    architecture: architectures[architecture] ?? architecture,
    ...(variant === undefined ? {} : { variant }),
  };
};

const tagsOf = (given: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(fieldsAt(given)).map(([name, value]) => [name, String(value)]));

const documentOf = (task: Fields, options: AcrOptions): { document: TaskDocument; notes: AcrNote[] } => {
  const name = textAt(task['name']) ?? '';
  if (task['isSystemTask'] === true) {
    return leftOut(
      'isSystemTask',
      'It only holds settings for quick runs of its registry.',
      'Nothing: quick runs need no such task here.',
    );
  }
  const platform = platformOf(task['platform']);
  const { step, notes } = importStep(fieldsAt(task['step']), { loginServer: loginServer(task, options), task: name });
  const { trigger, notes: triggerNotes } = importTrigger(task['trigger'], name);
  const cpu = fieldsAt(task['agentConfiguration'])['cpu'];
  const pool = textAt(task['agentPoolName']);
  const document: TaskDocument = {
    apiVersion,
    type: 'Task',
    name,
    status: task['status'] === 'Disabled' ? 'Disabled' : 'Enabled',
    platform,
    ...(typeof cpu === 'number' ? { agentConfiguration: { cpu } } : {}),
    ...(pool === undefined ? {} : { agentPoolName: pool }),
    ...(typeof task['timeout'] === 'number' ? { timeout: task['timeout'] } : {}),
    step,
    trigger,
    tags: tagsOf(task['tags']),
  };
  const checked = resourceDocuments.Task.safeParse(document);
  if (!checked.success) {
    const [problem] = violationsOf(checked.error);
    return leftOut(
      problem?.field ?? '',
      `${problem?.message ?? 'It is not valid'}.`,
      'Correct it in the file, then import it again.',
    );
  }
  return { document, notes: [...notes, ...triggerNotes, ...restOf(task)] };
};

/** The task as Plinth would have it, and what of it is lost. */
export const importAcrTask = (
  value: Fields,
  options: AcrOptions = {},
): { document?: TaskDocument; report: AcrReport } => {
  const task = flattened(value);
  const name = textAt(task['name']) ?? '(no name)';
  try {
    const { document, notes } = documentOf(task, options);
    return { document, report: { task: name, outcome: notes.length === 0 ? 'Complete' : 'Partly', notes } };
  } catch (error) {
    if (!(error instanceof LeftOut)) throw error;
    return { report: { task: name, outcome: 'LeftOut', notes: [error.note] } };
  }
};
