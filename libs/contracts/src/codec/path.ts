import type { Operation } from '../operation.js';

/** Names of the fields that stand in the path, in its order. */
export const pathFields = (path: string): string[] =>
  [...path.matchAll(/\{([A-Za-z]+)\}/g)].map((match) => match[1] ?? '');

/** True when fields that are not in the path stand in the query; else they stand in the body. */
export const takesQuery = (operation: Pick<Operation, 'method' | 'kind'>): boolean =>
  operation.method === 'GET' || operation.method === 'DELETE' || operation.kind === 'upload';
