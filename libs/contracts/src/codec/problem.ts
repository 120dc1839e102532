import { errors, PlinthError, type ErrorCode, type FieldViolation } from '../errors.js';

/** RFC 9457 problem details, the only shape in which an API answers an error. */
export interface Problem {
  /** Where the code is documented. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** `urn:uuid:` of this answer; the log of the service carries it too. */
  readonly instance: string;
  /** What is wrong with which field. */
  readonly errors?: readonly FieldViolation[];
}

/** The error that problem details tell of; `undefined` for a body that is none of ours. */
export const fromProblem = (body: unknown): PlinthError | undefined => {
  const problem = body as Partial<Problem> | null;
  if (typeof problem !== 'object' || problem === null || typeof problem.code !== 'string') return undefined;
  if (!(problem.code in errors)) return undefined;
  return new PlinthError(problem.code, problem.detail ?? problem.title ?? problem.code, problem.errors ?? []);
};
