import type { Readable } from 'node:stream';
import type { FactoryProvider, InjectionToken, Type } from '@nestjs/common';
import {
  operations,
  type Input,
  type Operation,
  type OperationName,
  type Operations,
  type Output,
  type ServiceName,
  type StreamName,
  type UploadName,
} from '#libs/contracts';
import type { Owners } from './auth/ownership.js';
import type { CallContext } from './call.js';
import type { Positions } from './positions.js';

/** What handles the operation `N`: its shape follows from the operation's kind. */
export type Handler<N extends OperationName> = N extends StreamName
  ? (input: Input<N>, call: CallContext) => AsyncIterable<Output<N>>
  : N extends UploadName
    ? (input: Input<N>, body: Readable, call: CallContext) => Promise<Output<N>>
    : (input: Input<N>, call: CallContext) => Promise<Output<N>>;

/** A service, or `every`: the operations that each service answers alike. */
export type Served = ServiceName | 'every';

type OperationsServedBy<S extends Served> = {
  [N in OperationName]: Operations[N]['service'] extends S ? N : never;
}[OperationName];

/**
 * For each operation of the service, the provider class that has a method of that name. An operation without a
 * handler, a handler without an operation, and a handler of another shape do not compile.
 */
export type HandlerMap<S extends Served> = {
  readonly [N in OperationsServedBy<S>]: Type<{ [K in N]: Handler<N> }>;
};

type AnyHandler = (this: unknown, ...args: unknown[]) => unknown;

/** The handlers of one service, as they are found in a running application. */
export class ServedService {
  constructor(
    readonly service: Served,
    /** By operation name. */
    readonly handlers: ReadonlyMap<string, AnyHandler>,
    readonly positions: Positions | undefined,
    readonly owners: Owners,
  ) {}
}

/** Operations of the table that `service` answers. */
export const operationsServedBy = (service: Served, table: OperationTable = operations): Operation[] =>
  Object.values(table).filter((operation) => operation.service === service);

/** The operations, by name; tests mount tables of their own. */
export type OperationTable = Readonly<Record<string, Operation>>;

export interface ServesOptions {
  /** Provider of the service's {@link Positions}; without one requests never wait and answers carry no position. */
  readonly positions?: InjectionToken<Positions>;
  /** Provider of whose the things are that its operations change. */
  readonly owners?: InjectionToken<Owners>;
}

/**
 * The provider that says: this application answers the operations of `service`, with these handlers. Handler
 * classes are ordinary providers of the same module.
 *
 * @throws Error at start, naming the operations whose handler is missing, or whose things have no known owner
 */
export function serves<S extends Served>(
  service: S,
  handlers: HandlerMap<S>,
  options: ServesOptions = {},
): FactoryProvider<ServedService> {
  return servesTable(service, operations, handlers as Readonly<Record<string, Type>>, options);
}

/** {@link serves} for a table that is not the product's. */
export const servesTable = (
  service: Served,
  table: OperationTable,
  handlers: Readonly<Record<string, Type>>,
  options: ServesOptions = {},
): FactoryProvider<ServedService> => {
  const names = Object.keys(handlers);
  const { positions, owners } = options;
  return {
    provide: Symbol(`plinth.served.${service}`),
    inject: [
      ...names.map((name) => handlers[name] as Type),
      ...[positions, owners].filter((token) => token !== undefined),
    ],
    useFactory: (...injected: unknown[]) => {
      const found = new Map<string, AnyHandler>();
      names.forEach((name, index) => {
        const instance = injected[index] as Record<string, unknown>;
        const method = instance[name];
        if (typeof method === 'function') found.set(name, method.bind(instance) as AnyHandler);
      });
      const wanted = operationsServedBy(service, table).map((operation) => operation.name);
      const missing = wanted.filter((name) => !found.has(name));
      const unknown = names.filter((name) => !wanted.includes(name));
      if (missing.length > 0 || unknown.length > 0) {
        throw new Error(
          `The handlers of ${service} do not fit the table of operations: ` +
            [
              missing.length > 0 ? `without a handler: ${missing.join(', ')}` : '',
              unknown.length > 0 ? `without an operation: ${unknown.join(', ')}` : '',
            ]
              .filter(Boolean)
              .join('; '),
        );
      }
      const others = injected.slice(names.length);
      const known = positions === undefined ? undefined : (others.shift() as Positions);
      const owning = (others.shift() ?? {}) as Owners;
      for (const { name, team } of operationsServedBy(service, table)) {
        if (typeof team === 'object' && !owning[team.of]) {
          throw new Error(`${name} is about a ${team.of}, and ${service} provides no owner of one.`);
        }
      }
      return new ServedService(service, found, known, owning);
    },
  };
};
