import { fromProblem, PlinthError, routes, type Route } from '#libs/contracts/light';
import { requestOf } from './request.js';
import { ConnectionError, retrying, type RetryOptions } from './retry.js';
import { resumed } from './stream.js';
import type { CallOptions, Client, UploadBody, UploadOptions } from './types.js';

export interface ClientOptions {
  /** `http://127.0.0.1:7460`. */
  readonly baseUrl: string;
  readonly token?: string;
  /** Another `fetch`, for tests or a proxy. */
  readonly fetch?: typeof fetch;
  /** Position to begin with, kept from an earlier run. */
  readonly position?: number;
  readonly retry?: RetryOptions;
  /** Ends every call that brings no signal of its own. */
  readonly signal?: AbortSignal;
}

type Fields = Readonly<Record<string, unknown>>;

const errorOf = async (response: Response): Promise<PlinthError> => {
  const text = await response.text();
  try {
    const error = fromProblem(JSON.parse(text));
    if (error) return error;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  // Something between us and the service answered.
  const code =
    response.status === 503 || response.status === 502 || response.status === 504 ? 'UNAVAILABLE' : 'INTERNAL';
  return new PlinthError(code, `${response.url} answered ${response.status}: ${text.slice(0, 200)}`);
};

class HttpClient {
  #position: number;
  readonly #base: string;
  readonly #fetch: typeof fetch;

  constructor(private readonly options: ClientOptions) {
    this.#base = options.baseUrl.replace(/\/+$/, '');
    this.#fetch = options.fetch ?? fetch;
    this.#position = options.position ?? 0;
  }
  get position(): number {
    return this.#position;
  }

  async unary(operation: Route, input: Fields, options: CallOptions): Promise<unknown> {
    const { target, body } = requestOf(operation, input);
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const read = operation.method === 'GET';
    return retrying(read, { ...this.options.retry, signal: options.signal }, async () => {
      const response = await this.#send(operation, target, body === undefined ? {} : { body }, headers, options);
      return response.status === 204 ? {} : ((await response.json()) as unknown);
    });
  }

  async upload(operation: Route, input: Fields, body: UploadBody, options: UploadOptions): Promise<unknown> {
    const { target } = requestOf(operation, input);
    const headers = { 'content-type': options.contentType ?? 'application/octet-stream' };
    // `duplex` is what fetch wants to hear before it streams a body.
    const init = { body, ...(body instanceof Uint8Array ? {} : { duplex: 'half' }) } as unknown as RequestInit;
    const response = await this.#send(operation, target, init, headers, options);
    return (await response.json()) as unknown;
  }

  stream(operation: Route, input: Fields, options: CallOptions): AsyncIterable<Record<string, unknown>> {
    const { target } = requestOf(operation, input);
    const { retry } = this.options;
    let first = true;
    const open = (lastEventId: string | undefined): Promise<Response> => {
      const headers = {
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      };
      const send = (): Promise<Response> => this.#send(operation, target, {}, headers, options);
      // The first connection fails like any read does; later ones are part of going on.
      if (!first) return send();
      first = false;
      return retrying(true, { ...retry, signal: options.signal }, send);
    };
    return resumed(open, { signal: options.signal, firstDelayMs: retry?.firstDelayMs });
  }

  async #send(
    operation: Route,
    target: string,
    init: RequestInit,
    headers: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<Response> {
    const position = options.position ?? this.#position;
    let response: Response;
    try {
      response = await this.#fetch(this.#base + target, {
        ...init,
        method: operation.method,
        headers: {
          ...headers,
          ...(this.options.token === undefined ? {} : { authorization: `Bearer ${this.options.token}` }),
          ...(position > 0 ? { 'plinth-position': String(position) } : {}),
          ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
          ...(options.ifMatch === undefined ? {} : { 'if-match': `"${options.ifMatch}"` }),
        },
        ...(options.signal ? { signal: options.signal } : {}),
      });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      const cause = (error as Error).cause as { code?: string; message?: string } | undefined;
      throw new ConnectionError(
        `${this.#base} cannot be reached (${cause?.code ?? cause?.message ?? String(error)}). Is Plinth running there?`,
        { cause: error },
      );
    }
    const seen = Number(response.headers.get('plinth-position') ?? 0);
    if (Number.isSafeInteger(seen)) this.#position = Math.max(this.#position, seen);
    if (!response.ok) throw await errorOf(response);
    return response;
  }
}

/** A client over HTTP, made from the table of routes. */
export const createClient = (options: ClientOptions): Client => {
  const http = new HttpClient(options);
  const { signal } = options;
  const withSignal = <T extends CallOptions>(call: T): T => (signal ? { signal, ...call } : call);
  const methods: Record<string, unknown> = {};
  for (const operation of routes) {
    switch (operation.kind) {
      case 'stream':
        methods[operation.name] = (input: Fields = {}, call: CallOptions = {}) =>
          http.stream(operation, input, withSignal(call));
        break;
      case 'upload':
        methods[operation.name] = (input: Fields, body: UploadBody, call: UploadOptions = {}) =>
          http.upload(operation, input, body, withSignal(call));
        break;
      case 'unary':
        methods[operation.name] = (input: Fields = {}, call: CallOptions = {}) =>
          http.unary(operation, input, withSignal(call));
    }
  }
  Object.defineProperty(methods, 'position', { get: () => http.position, enumerable: true });
  methods['close'] = () => undefined;
  return methods as unknown as Client;
};
