import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errors, PlinthError, takesQuery, type Operation } from '#libs/contracts';
import { parseCount, parseIfMatch } from '../call.js';
import type { StoredAnswer } from '../idempotency.js';
import type { Invoker, RequestMeta } from '../invoker.js';
import type { RawRoute } from '../raw-route.js';
import { problemHeaders, toProblem } from '../problem.js';
import type { ServedService } from '../serves.js';
import { answerWhileSending, ByteLimit, jsonBytes, mediaType, parseJsonObject, readLimited, tooLarge } from './body.js';
import { mergeInput, routerPath } from './input.js';
import { encodeEvent, itemEvent, sseRetryMs, streamHeaders, StreamWriter, type StreamWriterOptions } from './sse.js';

export interface HttpOptions extends StreamWriterOptions {
  /** How long a stream may be silent before its headers are sent without an item. */
  readonly firstItemMs?: number;
  /** Ends every open stream when the service stops. */
  readonly stopping: AbortSignal;
}

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;

/**
 * Aborted when the caller goes away before the answer is complete, or when the service stops. To be made before
 * anything is awaited: the event comes once.
 */
const signalOf = (request: FastifyRequest, reply: FastifyReply, stopping?: AbortSignal): AbortSignal => {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new PlinthError('UNAVAILABLE', 'The caller went away.'));
  });
  return stopping ? AbortSignal.any([gone.signal, stopping]) : gone.signal;
};

const metaOf = (request: FastifyRequest, signal: AbortSignal): RequestMeta => ({
  signal,
  position: parseCount('Plinth-Position', one(request.headers['plinth-position'])),
  idempotencyKey: one(request.headers['idempotency-key']),
  ifMatch: parseIfMatch(request.headers['if-match']),
  lastEventId: parseCount('Last-Event-ID', one(request.headers['last-event-id'])),
});

const isUnread = (request: IncomingMessage): boolean => !request.complete;

/** Sends an error as problem details. A body that was not read to its end closes the connection. */
export const sendProblem = (
  request: FastifyRequest,
  reply: FastifyReply,
  error: PlinthError,
  id: string,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply => {
  const problem = JSON.stringify(toProblem(error, id));
  void reply
    .code(errors[error.code].http)
    .headers({ ...problemHeaders(error.code), ...headers })
    .type('application/problem+json; charset=utf-8');
  if (!isUnread(request.raw)) return reply.send(problem);
  return reply
    .headers({ connection: 'close', 'content-length': String(Buffer.byteLength(problem)) })
    .send(answerWhileSending(problem, request.raw));
};

const sendAnswer = (
  request: FastifyRequest,
  reply: FastifyReply,
  operation: Operation,
  answer: StoredAnswer,
): FastifyReply => {
  if (answer.position !== undefined) void reply.header('plinth-position', String(answer.position));
  if (answer.etag !== undefined) {
    void reply.header('etag', `"${answer.etag}"`);
    const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    if (operation.method === 'GET' && known?.includes(`"${answer.etag}"`)) return reply.code(304).send();
  }
  const status = operation.status ?? 200;
  // Answers are about the present and belong to the token: nobody on the way may keep them.
  void reply.code(status).header('cache-control', 'no-store');
  if (status === 204) return reply.send();
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.output ?? {}));
};

/** An item of a text stream: its `text`, where it has one. */
const textLine = (item: Readonly<Record<string, unknown>>): string =>
  `${typeof item['text'] === 'string' ? item['text'] : JSON.stringify(item)}\n`;

/** Registers the routes of the operations of a service with the web server. */
export class HttpRoutes {
  constructor(
    private readonly server: FastifyInstance,
    private readonly invoker: Invoker,
    private readonly options: HttpOptions,
  ) {}

  operation(served: ServedService, operation: Operation): void {
    this.server.route({
      method: operation.method,
      url: routerPath(operation.path),
      exposeHeadRoute: operation.method === 'GET' && (operation.kind ?? 'unary') === 'unary',
      handler: async (request, reply) => {
        const end = this.invoker.begin(operation.name, 'http');
        const signal = signalOf(request, reply, operation.kind === 'stream' ? this.options.stopping : undefined);
        try {
          const principal = await this.invoker.authorize(operation, request.headers.authorization);
          const meta = metaOf(request, signal);
          const input = mergeInput(
            operation,
            request.params as Record<string, string>,
            request.query as Record<string, unknown>,
            takesQuery(operation) ? {} : await this.#json(request, operation.maxBytes ?? jsonBytes),
          );
          if (operation.kind === 'stream') {
            const stream = await this.invoker.stream(served, operation, principal, input, meta);
            end(await this.#stream(request, reply, operation, stream, signal));
            return reply;
          }
          const answer =
            operation.kind === 'upload'
              ? await this.#upload(served, operation, request, (body) =>
                  this.invoker.upload(served, operation, principal, input, body, meta),
                )
              : await this.invoker.unary(served, operation, principal, input, meta);
          end('OK');
          return sendAnswer(request, reply, operation, answer);
        } catch (thrown) {
          const { error, id } = this.invoker.failed(operation.name, 'http', thrown);
          end(error.code);
          return sendProblem(request, reply, error, id);
        }
      },
    });
  }

  raw(route: RawRoute): void {
    const { method, path, maxBytes } = route.options;
    const name = `${method} ${path}`;
    this.server.route({
      method,
      url: routerPath(path),
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const end = this.invoker.begin(name, 'http');
        const signal = signalOf(request, reply);
        try {
          const body = await readLimited(
            request.body as Readable | undefined,
            request.headers['content-length'],
            maxBytes,
          );
          const answer = await route.handler.handle({
            method,
            params: request.params as Record<string, string>,
            query: request.query as Record<string, unknown>,
            headers: request.headers,
            body,
            remoteAddress: request.socket.remoteAddress ?? '',
            signal,
          });
          end(answer.status < 400 ? 'OK' : String(answer.status));
          return reply
            .code(answer.status)
            .headers({ ...answer.headers })
            .send(answer.body);
        } catch (thrown) {
          const { error, id } = this.invoker.failed(name, 'http', thrown);
          end(error.code);
          return sendProblem(request, reply, error, id);
        }
      },
    });
  }

  async #json(request: FastifyRequest, maxBytes: number): Promise<Record<string, unknown>> {
    // The type is checked before the body is read: what is not taken is not worth reading.
    const { 'content-type': type, 'content-length': length } = request.headers;
    if (mediaType(type) !== undefined || (length !== undefined && length !== '0')) {
      parseJsonObject(Buffer.from('{}'), request.headers);
    }
    return parseJsonObject(await readLimited(request.body as Readable | undefined, length, maxBytes), request.headers);
  }

  async #upload(
    served: ServedService,
    operation: Operation,
    request: FastifyRequest,
    run: (body: Readable) => Promise<StoredAnswer>,
  ): Promise<StoredAnswer> {
    const accepts = operation.accepts ?? { types: ['application/octet-stream'], maxBytes: jsonBytes };
    const type = mediaType(request.headers['content-type']);
    if (type === undefined || !accepts.types.includes(type)) {
      throw new PlinthError(
        'UNSUPPORTED_MEDIA_TYPE',
        `The body is ${type ?? 'of no type'}; this takes ${accepts.types.join(', ')}.`,
      );
    }
    if (Number(request.headers['content-length'] ?? 0) > accepts.maxBytes) throw tooLarge(accepts.maxBytes);
    const limited = new ByteLimit(accepts.maxBytes);
    let broken: Error | undefined;
    limited.on('error', (error) => (broken = error));
    // Not `pipeline`: it destroys the request with the limit, and what is left of the body could not be taken in.
    request.raw.pipe(limited);
    request.raw.once('close', () => {
      if (!request.raw.complete) limited.destroy(new PlinthError('INVALID_ARGUMENT', 'The body broke off.'));
    });
    try {
      return await run(limited);
    } catch (error) {
      // A handler may see the limit as some error of its own pipeline; the caller should hear of the limit.
      throw broken instanceof PlinthError ? broken : error;
    } finally {
      limited.destroy();
    }
  }

  /** Sends the stream and resolves to how it ended. Errors before the first item are thrown, for a proper status. */
  async #stream(
    request: FastifyRequest,
    reply: FastifyReply,
    operation: Operation,
    stream: Awaited<ReturnType<Invoker['stream']>>,
    signal: AbortSignal,
  ): Promise<string> {
    const { items } = stream;
    const as = operation.as ?? 'sse';
    const encode = as === 'sse' ? itemEvent : textLine;
    const aborted = new Promise<'aborted'>((resolve) => {
      if (signal.aborted) resolve('aborted');
      else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
    });
    let pending = items.next();
    // A quiet stream must answer soon, a refused one with its status: so the first item gets a moment.
    let timer: NodeJS.Timeout | undefined;
    const moment = new Promise<'quiet'>((resolve) => {
      timer = setTimeout(() => resolve('quiet'), this.options.firstItemMs ?? 200);
    });
    try {
      await Promise.race([pending, moment, aborted]);
    } finally {
      clearTimeout(timer);
    }

    reply.hijack();
    const response = reply.raw;
    response.writeHead(200, {
      ...streamHeaders(as),
      ...(stream.position === undefined ? {} : { 'plinth-position': String(stream.position) }),
    });
    response.flushHeaders();
    request.raw.socket.setNoDelay(true);
    const closed = this.invoker.openStream(operation.name, 'http');
    const writer = new StreamWriter(response, as, this.options);
    try {
      if (as === 'sse') await writer.write(`retry: ${sseRetryMs}\n\n`);
      for (;;) {
        const result = await Promise.race([pending, aborted]);
        if (result === 'aborted') {
          // Stopping, not ending: without the end event the reader comes back for the rest.
          pending.catch(() => undefined);
          // A reader that is behind would hold up the shutdown: its connection breaks instead of ending.
          if (response.writableNeedDrain) response.destroy();
          writer.end();
          return 'CANCELLED';
        }
        if (result.done) {
          writer.end(as === 'sse' ? encodeEvent({ event: 'end', data: {} }) : undefined);
          return 'OK';
        }
        const written = await Promise.race([writer.write(encode(result.value)), aborted]);
        if (written === false) return 'CANCELLED';
        // When aborted, the race above says so.
        pending = written === 'aborted' ? new Promise(() => undefined) : items.next();
      }
    } catch (thrown) {
      const { error, id } = this.invoker.failed(operation.name, 'http', thrown);
      writer.end(
        as === 'sse'
          ? encodeEvent({ event: 'problem', data: toProblem(error, id) })
          : `\n${error.code}: ${error.message}\n`,
      );
      return error.code;
    } finally {
      writer.stop();
      closed();
      // A generator that still waits takes this when its wait is over; its signal says so already.
      void items.return?.().catch(() => undefined);
    }
  }
}
