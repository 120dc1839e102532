import type { z } from 'zod';
import type { Operation } from '../operation.js';
import { schemaNames } from './names.js';
import { pascal, ShapeCatalog, snake, type MessageShape } from './shape.js';

/** One operation as a gRPC method. */
export interface RpcShape {
  readonly operation: Operation;
  /** `CreateTask`. */
  readonly name: string;
  readonly request: MessageShape;
  readonly response: MessageShape;
  readonly clientStream: boolean;
  readonly serverStream: boolean;
}
export interface ApiShape {
  readonly catalog: ShapeCatalog;
  /** By operation name. */
  readonly rpcs: ReadonlyMap<string, RpcShape>;
}

/** `plinth.v1.SchedulerService`; what every service answers is a service of its own. */
export const rpcServiceName = (service: Operation['service']): string =>
  `${service === 'every' ? 'Events' : pascal(service)}Service`;
export const rpcPackage = 'plinth.v1';

/** A copy, so that each method has a message of its own even where two share a schema. */
const anonymous = (schema: z.ZodObject): z.ZodObject => schema.clone() as z.ZodObject;

/**
 * A response whose schema has a name carries it in one field, so that `GetRun` and `CancelRun` answer the same
 * `RunView`; any other response has the fields of the schema itself.
 */
const responseOf = (catalog: ShapeCatalog, operation: Operation, name: string): MessageShape => {
  const own = catalog.nameOf(operation.output);
  if (own === undefined) return catalog.message(anonymous(operation.output), `${name}Response`);
  const message = catalog.message(operation.output, own);
  const json = own.charAt(0).toLowerCase() + own.slice(1).replace(/View$/, '');
  const wrapped: MessageShape = {
    name: `${name}Response`,
    constants: {},
    fields: [
      { json, proto: snake(json), shape: { kind: 'message', message }, optional: false, nullable: false, text: false },
    ],
  };
  catalog.messages.set(wrapped.name, wrapped);
  return wrapped;
};

/** The messages and methods of all operations of the table. */
export const apiShape = (table: Readonly<Record<string, Operation>>): ApiShape => {
  const catalog = new ShapeCatalog(schemaNames);
  const rpcs = new Map<string, RpcShape>();
  for (const operation of Object.values(table)) {
    const name = pascal(operation.name);
    rpcs.set(operation.name, {
      operation,
      name,
      request: catalog.message(anonymous(operation.input), `${name}Request`),
      response: responseOf(catalog, operation, name),
      clientStream: operation.kind === 'upload',
      serverStream: operation.kind === 'stream',
    });
  }
  return { catalog, rpcs };
};

/** True when the response carries the output in its one field. */
export const isWrapped = (rpc: RpcShape): boolean => schemaNames.has(rpc.operation.output);
