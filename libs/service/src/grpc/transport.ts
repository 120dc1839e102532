import { Server as GrpcServer, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { grpcDescriptor, grpcMethodName, grpcServiceName } from '#libs/contracts';
import type { Health } from '../health.js';
import type { Invoker } from '../invoker.js';
import type { MountedOperation } from '../mount.js';
import { healthDefinition, healthImplementation } from './health.js';
import { GrpcMethods } from './methods.js';

export interface GrpcOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly operations: readonly MountedOperation[];
  readonly invoker: Invoker;
  readonly health: Health;
  readonly stopping: AbortSignal;
  /** How long calls in flight may take when it stops, in milliseconds. */
  readonly drainMs: number;
}

/** The usual limit of gRPC; larger things are uploaded in chunks. */
export const messageBytes = 4 * 1024 * 1024;

/**
 * The operations over gRPC, as a transport of a Nest application. Messages go through the schema-directed codec of
 * libs/contracts, because the loader drops enum values that it does not know in silence.
 */
export class GrpcTransport extends Server implements CustomTransportStrategy {
  override transportId = Symbol('plinth.grpc');
  readonly #server = new GrpcServer({
    'grpc.max_receive_message_length': messageBytes,
    'grpc.max_send_message_length': messageBytes,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  #port = 0;

  constructor(private readonly options: GrpcOptions) {
    super();
    const methods = new GrpcMethods(options.invoker, options.stopping);
    const definitions = fromJSON(grpcDescriptor() as never, { longs: Number }) as unknown as Record<
      string,
      Record<string, ServiceDefinition[string]>
    >;
    const byService = Map.groupBy(options.operations, ({ operation }) => grpcServiceName(operation.service));
    for (const [name, mounted] of byService) {
      const all = definitions[name] ?? {};
      const names = mounted.map(({ operation }) => grpcMethodName(operation));
      // Only what is mounted: the rest of the service answers UNIMPLEMENTED.
      const definition = Object.fromEntries(Object.entries(all).filter(([method]) => names.includes(method)));
      this.#server.addService(
        definition as ServiceDefinition,
        Object.fromEntries(
          mounted.map(({ served, operation }) => [grpcMethodName(operation), methods.method(served, operation)]),
        ),
      );
    }
    this.#server.addService(healthDefinition, healthImplementation(options.health, [...byService.keys()]));
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /**
   * Takes the port; Nest's own start cannot report that it is taken.
   *
   * @throws Error that names the port and the variable to change
   */
  async bind(): Promise<void> {
    const { host, port } = this.options;
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error) {
          const hint = 'Set PLINTH_GRPC_PORT to a free port.';
          reject(new Error(`gRPC cannot listen on ${host}:${port}: ${error.message}. ${hint}`, { cause: error }));
        } else resolve(bound);
      });
    });
  }

  /** Called by Nest; {@link bind} did the work. */
  override listen(callback: () => void): void {
    callback();
  }

  override async close(): Promise<void> {
    const limit = setTimeout(() => this.#server.forceShutdown(), this.options.drainMs);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    clearTimeout(limit);
  }

  override on(event: string): void {
    throw new Error(`The gRPC transport has no event "${event}".`);
  }
  override unwrap<T>(): T {
    return this.#server as unknown as T;
  }
}
