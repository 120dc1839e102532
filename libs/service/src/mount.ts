import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ModulesContainer } from '@nestjs/core';
import { asyncApiDocument, events, openApiDocument, operations, type Operation } from '#libs/contracts';
import { AUTHENTICATOR, type Authenticator } from './auth/principal.js';
import type { Health } from './health.js';
import { KnownPaths, leaveBodiesUnread, ProblemFilter, serverOf } from './http/server.js';
import { plainPaths, plainRoutes } from './http/plain-routes.js';
import { HttpRoutes } from './http/routes.js';
import type { StreamWriterOptions } from './http/sse.js';
import { MemoryIdempotencyStore, type IdempotencyStore } from './idempotency.js';
import { Invoker } from './invoker.js';
import type { ServiceLogger } from './logging.js';
import type { Metrics } from './metrics.js';
import { RawRoute } from './raw-route.js';
import { operationsServedBy, ServedService, type OperationTable } from './serves.js';

/** Injection token of the {@link IdempotencyStore}; without a provider answers are kept in memory. */
export const IDEMPOTENCY_STORE = Symbol('plinth.idempotency');

export interface MountOptions extends StreamWriterOptions {
  readonly logger: ServiceLogger;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly validateResponses?: boolean;
  /** The product's unless a test brings its own. */
  readonly table?: OperationTable;
  readonly authenticator?: Authenticator;
  /** Version of the product, for the OpenAPI document. */
  readonly version?: string;
  /** How long a stream may be silent before its headers are sent without an item, in milliseconds. */
  readonly firstItemMs?: number;
}

/** An operation with the service that answers it. */
export interface MountedOperation {
  readonly served: ServedService;
  readonly operation: Operation;
}
export interface Mounted {
  readonly operations: readonly MountedOperation[];
  readonly invoker: Invoker;
  /** Aborted by {@link Mounted.stopStreams}. */
  readonly stopping: AbortSignal;
  /** Ends open streams; their readers come back elsewhere. */
  stopStreams(): void;
}

const instancesOf = <T>(app: NestFastifyApplication, type: abstract new (...args: never[]) => T): T[] => {
  const found = new Set<T>();
  for (const module of app.get(ModulesContainer).values()) {
    for (const { instance } of module.providers.values()) if (instance instanceof type) found.add(instance as T);
  }
  return [...found];
};

const optional = <T>(app: NestFastifyApplication, token: symbol): T | undefined => {
  try {
    return app.get<T>(token, { strict: false });
  } catch {
    // Nest throws for a token that nobody provides; then there is none.
    return undefined;
  }
};

/**
 * Puts all that the application's modules serve behind its web server, and answers what a gRPC server needs to do
 * the same. Call it between creation and `listen`.
 *
 * @throws Error when no Authenticator is provided: nothing is served to people who cannot be told apart
 */
export const mountOperations = (app: NestFastifyApplication, options: MountOptions): Mounted => {
  const authenticator = options.authenticator ?? optional<Authenticator>(app, AUTHENTICATOR);
  if (!authenticator) {
    throw new Error('No module provides AUTHENTICATOR: put a TokenStore (or another Authenticator) into one.');
  }
  const stop = new AbortController();
  const invoker = new Invoker({
    authenticator,
    idempotency: optional<IdempotencyStore>(app, IDEMPOTENCY_STORE) ?? new MemoryIdempotencyStore(),
    metrics: options.metrics,
    logger: options.logger,
    validateResponses: options.validateResponses ?? false,
  });
  const server = serverOf(app);
  const paths = new KnownPaths();
  leaveBodiesUnread(server);
  app.useGlobalFilters(new ProblemFilter(paths, options.logger));

  const routes = new HttpRoutes(server, invoker, { ...options, stopping: stop.signal });
  const mounted: MountedOperation[] = [];
  const seen = new Set<string>();
  for (const served of instancesOf(app, ServedService)) {
    for (const operation of operationsServedBy(served.service, options.table ?? operations)) {
      // What every service answers alike is answered once where several live in one process.
      if (seen.has(operation.name) && served.service === 'every') continue;
      if (seen.has(operation.name)) throw new Error(`Two modules serve ${operation.name}; only one may.`);
      seen.add(operation.name);
      routes.operation(served, operation);
      paths.add(operation.method, operation.path);
      mounted.push({ served, operation });
    }
  }
  for (const route of instancesOf(app, RawRoute)) {
    routes.raw(route);
    paths.add(route.options.method, route.options.path);
  }
  plainRoutes(server, {
    ...options,
    openapi: () =>
      openApiDocument(
        mounted.map(({ operation }) => operation),
        options.version ?? '0.1.0',
      ),
    asyncapi: () => asyncApiDocument(events, options.version ?? '0.1.0'),
  });
  for (const path of plainPaths) paths.add('GET', path);
  return { operations: mounted, invoker, stopping: stop.signal, stopStreams: () => stop.abort() };
};
