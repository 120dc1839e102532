import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ChassisModule } from './chassis.js';
import type { Config } from './config.js';
import { GrpcTransport } from './grpc/transport.js';
import { Health } from './health.js';
import { ConnectionDrain } from './http/drain.js';
import { fastifyAdapter } from './http/server.js';
import { createLogger, NestLogger, type ServiceLogger } from './logging.js';
import { Metrics } from './metrics.js';
import { mountOperations, type MountOptions } from './mount.js';
import { Redactor } from './redactor.js';

@Module({})
class RootModule {}

export interface BootstrapOptions extends Pick<
  MountOptions,
  'table' | 'authenticator' | 'version' | 'heartbeatMs' | 'slowReaderMs' | 'firstItemMs'
> {
  /** Name in logs and metrics: `watcher`, `standalone` … */
  readonly name: string;
  readonly modules: readonly (Type | DynamicModule | Promise<DynamicModule>)[];
  readonly config: Config;
  readonly logger?: ServiceLogger;
  readonly redactor?: Redactor;
  readonly health?: Health;
  readonly metrics?: Metrics;
  /** After mounting, before listening: for a console's files, for instance. */
  readonly configure?: (app: NestFastifyApplication) => void | Promise<void>;
  /** How long requests in flight may take when it stops, in milliseconds; 10,000 unless said. */
  readonly drainMs?: number;
  /** Stop on SIGTERM and SIGINT; true unless said. */
  readonly signals?: boolean;
}

export interface RunningService {
  readonly app: NestFastifyApplication;
  readonly http: { readonly host: string; readonly port: number; readonly url: string };
  readonly grpc: { readonly host: string; readonly port: number };
  readonly health: Health;
  readonly logger: ServiceLogger;
  /** Not ready → streams end → requests in flight are answered → everything closes. Repeated calls are one. */
  close(): Promise<void>;
}

const urlOf = (host: string, port: number): string => {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
};

/** Starts an application of these modules: HTTP and gRPC on the configured ports. */
export const bootstrapService = async (options: BootstrapOptions): Promise<RunningService> => {
  const { config, name } = options;
  const redactor = options.redactor ?? new Redactor();
  for (const value of [config.PLINTH_TOKEN, config.PLINTH_NATS_PASSWORD]) if (value) redactor.add(value);
  const logger = options.logger ?? createLogger({ name, level: config.PLINTH_LOG_LEVEL, redactor });
  const health = options.health ?? new Health();
  const metrics = options.metrics ?? new Metrics({ service: name });

  const root: DynamicModule = {
    module: RootModule,
    imports: [ChassisModule.with({ config, logger, health, metrics, redactor }), ...options.modules],
  };
  const app = await NestFactory.create<NestFastifyApplication>(root, fastifyAdapter(), {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  const mounted = mountOperations(app, {
    ...options,
    logger,
    health,
    metrics,
    validateResponses: config.PLINTH_VALIDATE_RESPONSES,
  });
  const drainMs = options.drainMs ?? 10_000;
  const transport = new GrpcTransport({
    host: config.PLINTH_HOST,
    port: config.PLINTH_GRPC_PORT,
    operations: mounted.operations,
    invoker: mounted.invoker,
    health,
    stopping: mounted.stopping,
    drainMs,
  });
  app.connectMicroservice({ strategy: transport });
  await options.configure?.(app);
  const drain = new ConnectionDrain(app.getHttpServer() as Server);
  try {
    await transport.bind();
    await app.startAllMicroservices();
    await app.listen(config.PLINTH_HTTP_PORT, config.PLINTH_HOST);
  } catch (error) {
    // What has begun would keep the process alive.
    mounted.stopStreams();
    await transport.close();
    await app.close();
    throw error;
  }
  const address = app.getHttpServer().address() as AddressInfo;

  let closing: Promise<void> | undefined;
  const stop = (): void => void close().catch((error: unknown) => logger.error({ err: error }, 'Shutdown failed'));
  const close = (): Promise<void> => {
    closing ??= (async () => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      health.stop();
      mounted.stopStreams();
      await drain.close(() => app.close(), drainMs);
    })();
    return closing;
  };
  if (options.signals ?? true) process.once('SIGTERM', stop).once('SIGINT', stop);

  const http = { host: config.PLINTH_HOST, port: address.port, url: urlOf(config.PLINTH_HOST, address.port) };
  const grpc = { host: config.PLINTH_HOST, port: transport.port };
  logger.info({ http: http.url, grpc: grpc.port, operations: mounted.operations.length }, `${name} is listening`);
  return { app, http, grpc, health, logger, close };
};
