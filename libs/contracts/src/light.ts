/**
 * What a client needs of the contracts, without the schemas: a command line starts in the time that building those
 * would take. Types cost nothing and come from the whole library.
 */
import routeTable from '../generated/routes.json' with { type: 'json' };
import type { Operation } from './operation.js';

export { pathFields, takesQuery } from './codec/path.js';
export { fromProblem, type Problem } from './codec/problem.js';
export * from './errors.js';
export * from './exit-codes.js';
export * from './model/notification-dialects.js';

/** Where an operation is served, and how. */
export interface Route extends Pick<Operation, 'name' | 'service' | 'method' | 'scope'> {
  readonly path: string;
  readonly kind: NonNullable<Operation['kind']>;
}
export const routes = routeTable.routes as readonly Route[];
