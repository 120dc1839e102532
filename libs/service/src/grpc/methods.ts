import { Readable } from 'node:stream';
import { Metadata, status, type MetadataValue } from '@grpc/grpc-js';
import type {
  sendUnaryData,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { CodecError, decodeInput, encodeOutput, PlinthError, type Operation } from '#libs/contracts';
import { parseCount, parseIfMatch } from '../call.js';
import { ByteLimit } from '../http/body.js';
import type { StoredAnswer } from '../idempotency.js';
import type { Invoker, RequestMeta } from '../invoker.js';
import type { ServedService } from '../serves.js';
import { toStatus } from './status.js';

type ProtoObject = Record<string, unknown>;
interface Cancellable {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  on(event: 'cancelled', listener: () => void): unknown;
}

const text = (metadata: Metadata, key: string): string | undefined => {
  const value: MetadataValue | undefined = metadata.get(key)[0];
  return value === undefined ? undefined : value.toString();
};
/** If-Match of gRPC may come with or without quotes. */
const quoted = (value: string | undefined): string | undefined =>
  value === undefined || value === '*' || value.includes('"') ? value : `"${value}"`;

/**
 * Aborted when the caller cancels or its deadline passes. To be made before anything is awaited: the event comes once.
 */
const signalOf = (call: Cancellable, stopping?: AbortSignal): AbortSignal => {
  const gone = new AbortController();
  const abort = (): void => gone.abort(new PlinthError('DEADLINE_EXCEEDED', 'The caller no longer waits.'));
  call.on('cancelled', abort);
  if (call.cancelled) abort();
  return stopping ? AbortSignal.any([gone.signal, stopping]) : gone.signal;
};
const metaOf = (call: Cancellable, signal: AbortSignal): RequestMeta => ({
  signal,
  position: parseCount('plinth-position', text(call.metadata, 'plinth-position')),
  idempotencyKey: text(call.metadata, 'idempotency-key'),
  ifMatch: parseIfMatch(quoted(text(call.metadata, 'if-match'))),
  lastEventId: parseCount('last-event-id', text(call.metadata, 'last-event-id')),
});
const answerMetadata = (answer: Pick<StoredAnswer, 'position' | 'etag'>): Metadata => {
  const metadata = new Metadata();
  if (answer.position !== undefined) metadata.set('plinth-position', String(answer.position));
  if (answer.etag !== undefined) metadata.set('etag', answer.etag);
  return metadata;
};
const inputOf = (operation: Operation, message: ProtoObject): Record<string, unknown> => {
  try {
    return decodeInput(operation, message);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new PlinthError('INVALID_ARGUMENT', `Not valid: ${error.field || 'the message'}.`, [
      { field: error.field, message: error.problem },
    ]);
  }
};

/** The methods of operations for grpc-js: decode, invoke, encode. */
export class GrpcMethods {
  constructor(
    private readonly invoker: Invoker,
    private readonly stopping: AbortSignal,
  ) {}

  method(served: ServedService, operation: Operation): UntypedServiceImplementation[string] {
    switch (operation.kind) {
      case 'stream':
        return (call: ServerWritableStream<ProtoObject, ProtoObject>) => void this.#stream(served, operation, call);
      case 'upload':
        return (call: ServerReadableStream<ProtoObject, ProtoObject>, callback: sendUnaryData<ProtoObject>) =>
          void this.#upload(served, operation, call, callback);
      case 'unary':
      case undefined:
        return (call: ServerUnaryCall<ProtoObject, ProtoObject>, callback: sendUnaryData<ProtoObject>) =>
          void this.#unary(served, operation, call, callback);
    }
  }

  async #unary(
    served: ServedService,
    operation: Operation,
    call: ServerUnaryCall<ProtoObject, ProtoObject>,
    callback: sendUnaryData<ProtoObject>,
  ): Promise<void> {
    const end = this.invoker.begin(operation.name, 'grpc');
    const signal = signalOf(call);
    try {
      const principal = await this.invoker.authorize(operation, text(call.metadata, 'authorization'));
      const input = inputOf(operation, call.request);
      const answer = await this.invoker.unary(served, operation, principal, input, metaOf(call, signal));
      const message = encodeOutput(operation, answer.output);
      call.sendMetadata(answerMetadata(answer));
      end('OK');
      callback(null, message);
    } catch (thrown) {
      const { error, id } = this.invoker.failed(operation.name, 'grpc', thrown);
      end(error.code);
      callback(toStatus(error, id));
    }
  }

  async #upload(
    served: ServedService,
    operation: Operation,
    call: ServerReadableStream<ProtoObject, ProtoObject>,
    callback: sendUnaryData<ProtoObject>,
  ): Promise<void> {
    const end = this.invoker.begin(operation.name, 'grpc');
    const signal = signalOf(call);
    const limit = new ByteLimit(operation.accepts?.maxBytes ?? 1024 * 1024);
    let over: unknown;
    limit.on('error', (error) => (over = error));
    try {
      const principal = await this.invoker.authorize(operation, text(call.metadata, 'authorization'));
      const messages = (call as AsyncIterable<ProtoObject>)[Symbol.asyncIterator]();
      const first = await messages.next();
      const head: ProtoObject = first.done ? {} : first.value;
      const body = Readable.from(chunksOf(head, messages), { objectMode: false });
      body.on('error', (error) => limit.destroy(error)).pipe(limit);
      const meta = metaOf(call, signal);
      const answer = await this.invoker.upload(served, operation, principal, inputOf(operation, head), limit, meta);
      call.sendMetadata(answerMetadata(answer));
      const message = encodeOutput(operation, answer.output);
      end('OK');
      callback(null, message);
    } catch (thrown) {
      const { error, id } = this.invoker.failed(operation.name, 'grpc', over instanceof PlinthError ? over : thrown);
      end(error.code);
      callback(toStatus(error, id));
    } finally {
      limit.destroy();
    }
  }

  async #stream(
    served: ServedService,
    operation: Operation,
    call: ServerWritableStream<ProtoObject, ProtoObject>,
  ): Promise<void> {
    const end = this.invoker.begin(operation.name, 'grpc');
    const closed = this.invoker.openStream(operation.name, 'grpc');
    const signal = signalOf(call, this.stopping);
    const aborted = new Promise<'aborted'>((resolve) => {
      if (signal.aborted) resolve('aborted');
      signal.addEventListener('abort', () => resolve('aborted'), { once: true });
    });
    try {
      const principal = await this.invoker.authorize(operation, text(call.metadata, 'authorization'));
      const stream = await this.invoker.stream(
        served,
        operation,
        principal,
        inputOf(operation, call.request),
        metaOf(call, signal),
      );
      call.sendMetadata(answerMetadata({ position: stream.position }));
      try {
        for (;;) {
          const pending = stream.items.next();
          const result = await Promise.race([pending, aborted]);
          if (result === 'aborted') {
            pending.catch(() => undefined);
            end('CANCELLED');
            // Without problem details: not an answer to the call, so the reader comes back for the rest.
            if (!call.cancelled) call.emit('error', { code: status.UNAVAILABLE, details: 'This replica stops.' });
            return;
          }
          if (result.done) break;
          // Flow control of HTTP/2: a slow reader makes the handler wait, it does not fill memory.
          if (!call.write(encodeOutput(operation, result.value))) {
            await Promise.race([new Promise((resolve) => call.once('drain', resolve)), aborted]);
          }
        }
      } finally {
        void stream.items.return?.().catch(() => undefined);
      }
      end(call.cancelled ? 'CANCELLED' : 'OK');
      call.end();
    } catch (thrown) {
      const { error, id } = this.invoker.failed(operation.name, 'grpc', thrown);
      end(error.code);
      call.emit('error', toStatus(error, id));
    } finally {
      closed();
    }
  }
}

async function* chunksOf(head: ProtoObject, rest: AsyncIterator<ProtoObject>): AsyncGenerator<Buffer> {
  const chunk = (message: ProtoObject): Buffer => (message['chunk'] as Buffer | undefined) ?? Buffer.alloc(0);
  if (chunk(head).length > 0) yield chunk(head);
  for (;;) {
    const next = await rest.next();
    if (next.done) return;
    if (chunk(next.value).length > 0) yield chunk(next.value);
  }
}
