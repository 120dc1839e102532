import type { FactoryProvider, Type } from '@nestjs/common';
import type { ServiceName } from '#libs/contracts';

export type RawMethod = 'GET' | 'POST' | 'PUT' | 'OPTIONS';

/** A request to a raw route: nothing of it was interpreted. */
export interface RawRequest {
  readonly method: RawMethod;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Whole, never more than `maxBytes`. */
  readonly body: Buffer;
  /** Address of the sender. */
  readonly remoteAddress: string;
  readonly signal: AbortSignal;
}
export interface RawResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}
export interface RawHandler {
  /** A thrown PlinthError is answered like that of an operation. */
  handle(request: RawRequest): Promise<RawResponse>;
}

export interface RawRouteOptions {
  readonly service: ServiceName;
  readonly method: RawMethod;
  readonly path: `/v1/${string}`;
  readonly maxBytes: number;
  /** A provider of the same module. */
  readonly handler: Type<RawHandler>;
}

/** A route outside the table, as it is found in a running application. */
export class RawRoute {
  constructor(
    readonly options: Omit<RawRouteOptions, 'handler'>,
    readonly handler: RawHandler,
  ) {}
}

/**
 * For what other programs send in their own format, such as notifications of registries: a route without token,
 * whose handler authenticates the sender itself. Put it into the providers of the module.
 */
export const rawRoute = ({ handler, ...options }: RawRouteOptions): FactoryProvider<RawRoute> => ({
  provide: Symbol(`plinth.raw.${options.method} ${options.path}`),
  inject: [handler],
  useFactory: (instance: RawHandler) => new RawRoute(options, instance),
});
