import type { Readable } from 'node:stream';
import type { CallInput, Input, OperationName, Operations, Output, StreamName, UploadName } from '#libs/contracts';

/** What a caller may say beside the input. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Position that the answer must show, instead of the last one that this client saw. */
  readonly position?: number;
  /** For POST: the same key and request are answered once; see {@link Client}. */
  readonly idempotencyKey?: string;
  /** Version to change, as `etag` was answered. */
  readonly ifMatch?: string;
}
export interface UploadOptions extends CallOptions {
  /** `application/octet-stream` unless said. */
  readonly contentType?: string;
}
/** Bytes to upload. */
export type UploadBody = Uint8Array | Readable | AsyncIterable<Uint8Array>;

/** Fields of a query are typed as what they mean (numbers, truth values); in a body defaults may be left out. */
export type ClientInput<N extends OperationName> = Operations[N]['method'] extends 'GET' | 'DELETE'
  ? Input<N>
  : CallInput<N>;

type Arguments<I, O> = Record<never, never> extends I ? [input?: I, options?: O] : [input: I, options?: O];

export type ClientMethod<N extends OperationName> = N extends StreamName
  ? (...args: Arguments<ClientInput<N>, CallOptions>) => AsyncIterable<Output<N>>
  : N extends UploadName
    ? (input: ClientInput<N>, body: UploadBody, options?: UploadOptions) => Promise<Output<N>>
    : (...args: Arguments<ClientInput<N>, CallOptions>) => Promise<Output<N>>;

/**
 * One method for each operation of the table. All throw PlinthError, with the code, text and fields that the service
 * answered. The client remembers the last position that it saw and sends it along, so that what was written by it is
 * seen by it. Streams go on after a broken connection with the item after the last one. Reads, and whatever was
 * refused because a projection is behind, are tried again with back-off; writes never are.
 */
export type Client = { readonly [N in OperationName]: ClientMethod<N> } & {
  /** Last position that this client saw; 0 for none. */
  readonly position: number;
  /** Lets go of its connections. */
  close(): void;
};
