import { randomUUID } from 'node:crypto';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PlinthError } from '#libs/contracts';
import { asPlinthError } from '../problem.js';
import type { ServiceLogger } from '../logging.js';
import { sendProblem } from './routes.js';
import { routerPath } from './input.js';
import { shownPath } from './shown-path.js';

/** The web server below Nest. Bodies are left unread: each route reads its own, within its own limit. */
export const fastifyAdapter = (): FastifyAdapter =>
  new FastifyAdapter({
    routerOptions: { maxParamLength: 1024 },
    // Nest's own answer while closing is not in our format; readiness goes off before anything closes.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    genReqId: () => randomUUID(),
    // What the router itself refuses, such as a path that cannot be decoded, never reaches the filter below.
    frameworkErrors: (error: Error, request: unknown, reply: unknown) => {
      const shown = Object.assign(error, { message: shownPath(error.message) });
      void sendProblem(request as FastifyRequest, reply as FastifyReply, asPlinthError(shown), randomUUID());
    },
  });

export const serverOf = (app: NestFastifyApplication): FastifyInstance =>
  app.getHttpAdapter().getInstance() as unknown as FastifyInstance;

/** Makes every content type arrive as a stream. */
export const leaveBodiesUnread = (server: FastifyInstance): void => {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => {
    done(null, payload);
  });
};

/** The paths there are, to tell a wrong method from a wrong path. */
export class KnownPaths {
  readonly #paths: { pattern: RegExp; method: string }[] = [];

  add(method: string, path: string): void {
    const pattern = new RegExp(
      `^${routerPath(path)
        .split('/')
        .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
        .join('/')}$`,
    );
    this.#paths.push({ pattern, method });
  }
  /** Methods that the path takes. */
  methods(url: string): string[] {
    const path = url.split('?', 1)[0] ?? '';
    return [...new Set(this.#paths.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))].sort();
  }
}

/** Answers whatever no route answered, and whatever went wrong outside of routes, as problem details. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly paths: KnownPaths,
    private readonly logger: ServiceLogger,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent) return;
    const id = randomUUID();
    const methods = this.paths.methods(request.url);
    const path = shownPath(request.url.split('?', 1)[0] ?? '');
    let error = asPlinthError(thrown);
    let headers: Record<string, string> = {};
    if (error.code === 'NOT_FOUND' && methods.length > 0) {
      error = new PlinthError('METHOD_NOT_ALLOWED', `${path} takes ${methods.join(', ')}, not ${request.method}.`);
      headers = { allow: methods.join(', ') };
    } else if (error.code === 'NOT_FOUND') {
      error = new PlinthError('NOT_FOUND', `There is nothing at ${path}. /openapi.json lists what there is.`);
    } else if (error.code === 'INTERNAL') {
      this.logger.error({ id, path, err: error.cause ?? error }, 'A request failed outside of any operation');
    }
    void sendProblem(request, reply, error, id, headers);
  }
}
