/** Something of a task that cannot be carried over as it is. */
export interface AcrNote {
  /** Field of the ACR task, such as `trigger.timerTriggers[0]`. */
  readonly field: string;
  /** What it says there, and why it is not carried over. */
  readonly what: string;
  /** What to do instead. */
  readonly todo: string;
}

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object; an empty one for null and absent, which `az` prints for each other. */
export const fieldsAt = (value: unknown): Fields => (isFields(value) ? value : {});
export const listAt = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
export const textAt = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** True for what says nothing: null, absent, empty. */
export const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isFields(value) && Object.values(value).every(isEmpty));

/** A reason why the task as a whole cannot be carried over. */
export class LeftOut extends Error {
  constructor(readonly note: AcrNote) {
    super(note.what);
  }
}

export const leftOut = (field: string, what: string, todo: string): never => {
  throw new LeftOut({ field, what, todo });
};
