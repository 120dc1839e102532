import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { PlinthError, type Operation } from '#libs/contracts';
import { requireOwnership } from './auth/ownership.js';
import { authorize, type Authenticator, type Principal } from './auth/principal.js';
import { Call } from './call.js';
import { idempotently, type IdempotencyStore, type StoredAnswer } from './idempotency.js';
import type { ServiceLogger } from './logging.js';
import type { Metrics, Transport } from './metrics.js';
import { awaitPosition } from './positions.js';
import { asPlinthError } from './problem.js';
import type { ServedService } from './serves.js';
import { fieldPath, mostProblemsOfMany, parseInput, strictOf } from './validation.js';

/** What a transport read from a request, beside the input. */
export interface RequestMeta {
  readonly signal: AbortSignal;
  readonly position?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly ifMatch?: string | undefined;
  readonly lastEventId?: number | undefined;
}

export interface OpenStream {
  readonly items: AsyncIterator<Record<string, unknown>>;
  readonly position: number | undefined;
}

export interface InvokerOptions {
  readonly authenticator: Authenticator;
  readonly idempotency: IdempotencyStore;
  readonly metrics: Metrics;
  readonly logger: ServiceLogger;
  /** Holds every answer against its schema; an answer that does not fit becomes INTERNAL. For tests and development. */
  readonly validateResponses: boolean;
}

/**
 * Answers operations, whatever way they came in: authorises, validates, waits for positions, keeps teams apart,
 * repeats answers, calls the handler. Transports decode requests, encode answers, and do nothing else.
 */
export class Invoker {
  constructor(private readonly options: InvokerOptions) {}

  authorize(operation: Operation, authorization: string | undefined): Promise<Principal> {
    return authorize(this.options.authenticator, authorization, operation.scope);
  }

  /** One input, one output. */
  async unary(
    served: ServedService,
    operation: Operation,
    principal: Principal,
    raw: unknown,
    meta: RequestMeta,
  ): Promise<StoredAnswer> {
    const input = parseInput(operation.input, raw, operation.maxBytes === undefined ? undefined : mostProblemsOfMany);
    const before = await this.#position(served, meta);
    await requireOwnership(operation, principal, input, served.owners);
    const run = async (): Promise<StoredAnswer> => {
      const call = new Call({ ...meta, principal });
      const output = await this.#handler(served, operation)(input, call);
      return this.#answer(operation, output, call, before);
    };
    if (operation.method !== 'POST' || meta.idempotencyKey === undefined || operation.answersSecret) {
      return run();
    }
    return idempotently(
      this.options.idempotency,
      { key: meta.idempotencyKey, subject: principal.subject, operation: operation.name, input },
      run,
    );
  }

  /** Bytes in, one output. */
  async upload(
    served: ServedService,
    operation: Operation,
    principal: Principal,
    raw: unknown,
    body: Readable,
    meta: RequestMeta,
  ): Promise<StoredAnswer> {
    const input = parseInput(operation.input, raw);
    const before = await this.#position(served, meta);
    await requireOwnership(operation, principal, input, served.owners);
    const call = new Call({ ...meta, principal });
    const output = await this.#handler(served, operation)(input, body, call);
    return this.#answer(operation, output, call, before);
  }

  /** One input, many outputs; nothing is read from the handler before the first `next`. */
  async stream(
    served: ServedService,
    operation: Operation,
    principal: Principal,
    raw: unknown,
    meta: RequestMeta,
  ): Promise<OpenStream> {
    const input = parseInput(operation.input, raw);
    const position = await this.#position(served, meta);
    await requireOwnership(operation, principal, input, served.owners);
    const call = new Call({ ...meta, principal });
    const source = (this.#handler(served, operation)(input, call) as AsyncIterable<Record<string, unknown>>)[
      Symbol.asyncIterator
    ]();
    const check = (output: Record<string, unknown>): Record<string, unknown> => {
      this.#validate(operation, output);
      return output;
    };
    return {
      position,
      items: {
        next: async () => {
          const result = await source.next();
          if (principal.isValid?.() === false) {
            throw new PlinthError('UNAUTHENTICATED', 'The token was revoked or has expired: this stream ends.');
          }
          return result.done ? { done: true, value: undefined } : { done: false, value: check(result.value) };
        },
        return: async () => {
          await source.return?.();
          return { done: true, value: undefined };
        },
      },
    };
  }

  /**
   * A thrown value as what is answered, with the id under which it is found in the log. Mistakes of ours are logged
   * with their cause; those of callers are theirs to read.
   */
  failed(operation: string, transport: Transport, thrown: unknown): { error: PlinthError; id: string } {
    const error = asPlinthError(thrown);
    const id = randomUUID();
    if (error.code === 'INTERNAL') {
      this.options.logger.error({ operation, transport, id, err: error.cause ?? error }, `${operation} failed`);
    }
    return { error, id };
  }

  begin(operation: string, transport: Transport): (code: string) => void {
    return this.options.metrics.begin(operation, transport);
  }
  openStream(operation: string, transport: Transport): () => void {
    return this.options.metrics.stream(operation, transport);
  }

  /** What a read shows at least: taken before the handler looks. */
  async #position(served: ServedService, meta: RequestMeta): Promise<number | undefined> {
    await awaitPosition(served.positions, meta.position, meta.signal);
    return served.positions?.position();
  }

  #handler(served: ServedService, operation: Operation): (...args: unknown[]) => unknown {
    const handler = served.handlers.get(operation.name);
    if (!handler) throw new Error(`${operation.name} has no handler`);
    return handler;
  }

  #answer(operation: Operation, output: unknown, call: Call, before: number | undefined): StoredAnswer {
    this.#validate(operation, output);
    return { output, position: call.position ?? before, etag: call.etag };
  }

  #validate(operation: Operation, output: unknown): void {
    if (!this.options.validateResponses) return;
    // Through JSON: that is what the caller gets, without `undefined` and with dates as text.
    const sent = JSON.parse(JSON.stringify(output ?? null)) as unknown;
    const parsed = strictOf(operation.output).safeParse(sent);
    if (parsed.success) return;
    const where = parsed.error.issues.map((issue) => `${fieldPath(issue.path) || 'output'}: ${issue.message}`);
    throw new Error(`The answer of ${operation.name} does not fit its schema: ${where.join('; ')}`);
  }
}
