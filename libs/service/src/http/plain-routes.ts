import type { FastifyInstance } from 'fastify';
import { resourceJsonSchema, resourceSchemaPath } from '#libs/contracts';
import type { Health } from '../health.js';
import type { Metrics } from '../metrics.js';

/**
 * What operators and probes read: liveness, readiness, metrics, the OpenAPI and AsyncAPI documents, the schema of
 * files. They need no token and say nothing about tasks or images; the process listens on loopback unless told otherwise.
 */
export const plainPaths = [
  '/health/live',
  '/health/ready',
  '/metrics',
  '/openapi.json',
  '/asyncapi.json',
  resourceSchemaPath,
] as const;

export const plainRoutes = (
  server: FastifyInstance,
  parts: {
    readonly health: Health;
    readonly metrics: Metrics;
    readonly openapi: () => unknown;
    readonly asyncapi: () => unknown;
  },
): void => {
  const { health, metrics } = parts;
  server.get('/health/live', async (_request, reply) => reply.header('cache-control', 'no-store').send({ live: true }));
  server.get('/health/ready', async (_request, reply) => {
    const readiness = await health.readiness();
    return reply
      .code(readiness.ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(readiness);
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  for (const name of ['openapi', 'asyncapi'] as const) {
    let document: string | undefined;
    server.get(`/${name}.json`, async (_request, reply) => {
      document ??= JSON.stringify(parts[name]());
      return reply.type('application/json; charset=utf-8').send(document);
    });
  }
  let schema: string | undefined;
  server.get(resourceSchemaPath, async (_request, reply) => {
    schema ??= JSON.stringify(resourceJsonSchema());
    return reply.type('application/schema+json; charset=utf-8').send(schema);
  });
};
