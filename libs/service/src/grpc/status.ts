import { Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { errors, type PlinthError, type Problem } from '#libs/contracts';
import { toProblem } from '../problem.js';

/** Trailing metadata with the problem details, as JSON. */
export const problemKey = 'plinth-problem-bin';

/** Headers of HTTP/2 are limited to 8 KiB by many peers. */
const problemBytes = 4096;

const fitting = (problem: Problem): Buffer => {
  let { errors: list = [] } = problem;
  for (;;) {
    const bytes = Buffer.from(JSON.stringify({ ...problem, ...(list.length > 0 ? { errors: list } : {}) }));
    if (bytes.length <= problemBytes || list.length === 0) return bytes;
    list = list.slice(0, -1);
    problem = { ...problem, errors: list };
  }
};

/** An error as gRPC says it. */
export const toStatus = (error: PlinthError, id: string): Partial<StatusObject> & ServiceError => {
  const metadata = new Metadata();
  metadata.set(problemKey, fitting(toProblem(error, id)));
  const details = error.message.slice(0, 1024);
  return Object.assign(new Error(details), { code: errors[error.code].grpc as number, details, metadata });
};
