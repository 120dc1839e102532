import type { FieldViolation } from '#libs/contracts';
import type { Source } from './read.js';

/** One thing that is wrong in a file, as precisely as it is known. */
export interface Problem {
  readonly file: string;
  /** Number of the document in its file, from 1; null for the file as a whole. */
  readonly document: number | null;
  /** Line in the file, from 1; null where it is not known. */
  readonly line: number | null;
  /** What the document is, such as `Task app`; empty where that cannot be said. */
  readonly resource: string;
  /** Path of the field within the document; empty for the document as a whole. */
  readonly field: string;
  readonly message: string;
}

export const problemAt = (source: Source, resource: string, { field, message }: FieldViolation): Problem => ({
  file: source.file,
  document: source.document,
  line: source.lineOf(field),
  resource,
  field,
  message,
});

/** `tasks.yaml:12, document 2 (Task app), step.timeout` */
export const placeOf = ({ file, document, line, resource, field }: Problem): string =>
  [
    line === null ? file : `${file}:${line}`,
    ...(document === null ? [] : [`document ${document}${resource === '' ? '' : ` (${resource})`}`]),
    ...(field === '' ? [] : [field]),
  ].join(', ');
