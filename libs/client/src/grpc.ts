import {
  Client as GrpcChannel,
  credentials,
  Metadata,
  status,
  type ChannelCredentials,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import {
  decodeOutput,
  encodeInput,
  errors,
  fromProblem,
  grpcDescriptor,
  grpcMethodName,
  grpcServiceName,
  operations,
  PlinthError,
  type ErrorCode,
  type Operation,
} from '#libs/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs, ConnectionError, retrying, type RetryOptions } from './retry.js';
import type { CallOptions, Client, UploadBody } from './types.js';

export interface GrpcClientOptions {
  /** `127.0.0.1:7461`. */
  readonly address: string;
  readonly token?: string;
  readonly credentials?: ChannelCredentials;
  /** Position to begin with, kept from an earlier run. */
  readonly position?: number;
  readonly retry?: RetryOptions;
  /** Deadline of calls that answer once, in milliseconds; 60,000 unless said. */
  readonly deadlineMs?: number;
}

type Fields = Readonly<Record<string, unknown>>;
type ProtoObject = Record<string, unknown>;
type Method = MethodDefinition<ProtoObject, ProtoObject>;
type Methods = Readonly<Record<string, Readonly<Record<string, Method>>>>;

/** Largest chunk of an upload; messages may have 4 MiB. */
const chunkBytes = 64 * 1024;

const errorOf = (error: ServiceError, address: string): Error => {
  const [bytes] = error.metadata?.get('plinth-problem-bin') ?? [];
  const known = bytes instanceof Buffer ? fromProblem(JSON.parse(bytes.toString('utf8'))) : undefined;
  if (known) return known;
  if (error.code === status.UNAVAILABLE) {
    return new ConnectionError(`${address} cannot be reached (${error.details}). Is Plinth running there?`, {
      cause: error,
    });
  }
  const code =
    (Object.keys(errors) as ErrorCode[]).find((one) => errors[one].grpc === (error.code as number)) ?? 'INTERNAL';
  return new PlinthError(code, error.details, [], { cause: error });
};

class GrpcCalls {
  #position: number;
  readonly #channel: GrpcChannel;
  readonly #methods: Methods;

  constructor(private readonly options: GrpcClientOptions) {
    this.#position = options.position ?? 0;
    this.#channel = new GrpcChannel(options.address, options.credentials ?? credentials.createInsecure());
    this.#methods = fromJSON(grpcDescriptor() as never, { longs: Number }) as unknown as Methods;
  }
  get position(): number {
    return this.#position;
  }
  close(): void {
    this.#channel.close();
  }

  unary(operation: Operation, input: Fields, options: CallOptions): Promise<unknown> {
    const { path, requestSerialize, responseDeserialize } = this.#method(operation);
    const message = encodeInput(operation, input);
    const read = operation.method === 'GET';
    return retrying(read, { ...this.options.retry, signal: options.signal }, () =>
      this.#once(options.signal, (done) => {
        const call = this.#channel.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          message,
          this.#metadata(options),
          { deadline: Date.now() + (this.options.deadlineMs ?? 60_000) },
          done,
        );
        call.on('metadata', (metadata: Metadata) => this.#see(metadata));
        return call;
      }).then((output) => decodeOutput(operation, output)),
    );
  }

  async upload(operation: Operation, input: Fields, body: UploadBody, options: CallOptions): Promise<unknown> {
    const { path, requestSerialize, responseDeserialize } = this.#method(operation);
    let writing: Promise<void> | undefined;
    const output = await this.#once(options.signal, (done) => {
      const call = this.#channel.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        this.#metadata(options),
        {},
        done,
      );
      call.on('metadata', (metadata: Metadata) => this.#see(metadata));
      writing = (async () => {
        call.write(encodeInput(operation, input));
        for await (const chunk of chunks(body)) {
          if (!call.write({ chunk }))
            await new Promise((resolve) => call.once('drain', resolve).once('close', resolve));
          if (call.destroyed) return;
        }
        call.end();
      })();
      // When the source of the bytes fails, the call must not end as if these were all.
      writing.catch(() => call.cancel());
      return call;
    }).catch(async (error: unknown) => {
      if (isCancelled(error)) await writing;
      throw error;
    });
    return decodeOutput(operation, output);
  }

  async *stream(operation: Operation, input: Fields, options: CallOptions): AsyncGenerator<unknown> {
    let last: number | undefined;
    for (let failures = 0; ;) {
      try {
        for await (const item of this.#connection(operation, input, options, last)) {
          failures = 0;
          const id = (item['position'] ?? item['offset']) as number | undefined;
          if (id !== undefined) last = id;
          yield item;
        }
        return;
      } catch (error) {
        const broke = error instanceof ConnectionError;
        if (!broke || options.signal?.aborted || ++failures >= (this.options.retry?.attempts ?? 6)) throw error;
        await sleep(
          backoffMs(failures, this.options.retry?.firstDelayMs),
          undefined,
          options.signal ? { signal: options.signal } : {},
        );
      }
    }
  }

  async *#connection(
    operation: Operation,
    input: Fields,
    options: CallOptions,
    last: number | undefined,
  ): AsyncGenerator<Record<string, unknown>> {
    const { path, requestSerialize, responseDeserialize } = this.#method(operation);
    const metadata = this.#metadata(options);
    if (last !== undefined) metadata.set('last-event-id', String(last));
    const call = this.#channel.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      encodeInput(operation, input),
      metadata,
      {},
    );
    const cancel = (): void => call.cancel();
    options.signal?.addEventListener('abort', cancel, { once: true });
    call.on('metadata', (answer: Metadata) => this.#see(answer));
    try {
      for await (const message of call as AsyncIterable<ProtoObject>) yield decodeOutput(operation, message);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      throw errorOf(error as ServiceError, this.options.address);
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  #once(
    signal: AbortSignal | undefined,
    start: (done: (error: ServiceError | null, value?: ProtoObject) => void) => { cancel(): void },
  ): Promise<ProtoObject> {
    return new Promise((resolve, reject) => {
      const call = start((error, value) => {
        signal?.removeEventListener('abort', cancel);
        if (signal?.aborted) reject(signal.reason as Error);
        else if (error) reject(errorOf(error, this.options.address));
        else resolve(value ?? {});
      });
      const cancel = (): void => call.cancel();
      if (signal?.aborted) cancel();
      else signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  #method(operation: Operation): Method {
    const method = this.#methods[grpcServiceName(operation.service)]?.[grpcMethodName(operation)];
    if (!method) throw new Error(`There is no gRPC method for ${operation.name}.`);
    return method;
  }

  #metadata(options: CallOptions): Metadata {
    const metadata = new Metadata();
    const position = options.position ?? this.#position;
    if (this.options.token !== undefined) metadata.set('authorization', `Bearer ${this.options.token}`);
    if (position > 0) metadata.set('plinth-position', String(position));
    if (options.idempotencyKey !== undefined) metadata.set('idempotency-key', options.idempotencyKey);
    if (options.ifMatch !== undefined) metadata.set('if-match', options.ifMatch);
    return metadata;
  }
  #see(metadata: Metadata): void {
    const position = Number(metadata.get('plinth-position')[0] ?? 0);
    if (Number.isSafeInteger(position)) this.#position = Math.max(this.#position, position);
  }
}

const isCancelled = (error: unknown): boolean =>
  error instanceof Error && (error.cause as ServiceError | undefined)?.code === status.CANCELLED;

async function* chunks(body: UploadBody): AsyncGenerator<Buffer> {
  const parts = body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>);
  for await (const part of parts) {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.subarray(from, from + chunkBytes);
  }
}

/** The same client over gRPC. */
export const createGrpcClient = (options: GrpcClientOptions): Client => {
  const grpc = new GrpcCalls(options);
  const methods: Record<string, unknown> = {};
  for (const operation of Object.values(operations) as Operation[]) {
    switch (operation.kind) {
      case 'stream':
        methods[operation.name] = (input: Fields = {}, call: CallOptions = {}) => grpc.stream(operation, input, call);
        break;
      case 'upload':
        methods[operation.name] = (input: Fields, body: UploadBody, call: CallOptions = {}) =>
          grpc.upload(operation, input, body, call);
        break;
      case 'unary':
      case undefined:
        methods[operation.name] = (input: Fields = {}, call: CallOptions = {}) => grpc.unary(operation, input, call);
    }
  }
  Object.defineProperty(methods, 'position', { get: () => grpc.position, enumerable: true });
  methods['close'] = () => grpc.close();
  return methods as unknown as Client;
};
