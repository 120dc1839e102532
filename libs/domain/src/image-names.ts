import { canonicalReference, parseReference } from '#libs/oci';
import type { TaskDefinition } from '#libs/contracts';

export interface RunVariables {
  /** Id of the run: `{{.Run.ID}}`. */
  readonly id: string;
  /** When the run was queued: `{{.Run.Date}}`, `yyyyMMdd-HHmmssz` in UTC as ACR writes it. */
  readonly date: Date;
}

const variable = /\{\{\s*\.(?:Run|Build)\.(ID|Date)\s*\}\}/g;
const template = /\{\{/;

export class ImageNameError extends Error {
  readonly code = 'IMAGE_NAME_INVALID';
}

const acrDate = (date: Date): string =>
  `${date.toISOString().slice(0, 10).replaceAll('-', '')}-${date.toISOString().slice(11, 19).replaceAll(':', '')}z`;

/**
 * An image name with the variables of a run put in. `{{.Build.ID}}` is ACR's old spelling of `{{.Run.ID}}`.
 * @throws ImageNameError for a variable that there is not, or a name that is no reference with a tag.
 */
export const renderImageName = (name: string, run: RunVariables): string => {
  const rendered = name.replaceAll(variable, (_match, which) => (which === 'ID' ? run.id : acrDate(run.date)));
  if (template.test(rendered)) {
    throw new ImageNameError(`${name}: only {{.Run.ID}} and {{.Run.Date}} can stand in an image name.`);
  }
  let reference;
  try {
    reference = parseReference(rendered);
  } catch (error) {
    throw new ImageNameError(`${name}: ${(error as Error).message}`, { cause: error });
  }
  if (reference.digest) throw new ImageNameError(`${name}: an image is pushed to a tag, not to a digest.`);
  return canonicalReference(rendered);
};

/** Whether the name is the same in each run: the tags that dependants can stand on. */
export const isStable = (name: string): boolean => !template.test(name);

/** Canonical references of the tags that a task pushes in every run. Names that are no references are left out. */
export const stableOutputs = ({ step }: Pick<TaskDefinition, 'step'>): string[] => {
  if (!step.isPushEnabled) return [];
  const names = step.imageNames.filter(isStable).flatMap((name) => {
    try {
      return [canonicalReference(name)];
    } catch {
      return []; // refused when the task is created; an old definition must not stop a projection
    }
  });
  return [...new Set(names)];
};
