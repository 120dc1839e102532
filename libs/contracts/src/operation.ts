import type { z } from 'zod';
import type { ErrorCode } from './errors.js';

export const services = ['watcher', 'graph', 'scheduler', 'builder'] as const;
export type ServiceName = (typeof services)[number];

/** What a token must allow. `none` is for what authenticates by itself, such as a webhook. */
export const scopes = ['read', 'run', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/**
 * One operation of the API, once. The HTTP route, the gRPC method, validation, OpenAPI, the proto file and the typed
 * client all come from this entry.
 *
 * - `unary`: one input, one output.
 * - `stream`: one input, many outputs: server-sent events (or chunked text with `as: 'text'`) over HTTP, a server
 *   stream over gRPC.
 * - `upload`: the HTTP body is the raw bytes, over gRPC a client stream of chunks; `input` is path and query.
 */
export interface Operation<
  N extends string = string,
  S extends ServiceName | 'every' = ServiceName | 'every',
  I extends z.ZodObject = z.ZodObject,
  O extends z.ZodObject = z.ZodObject,
> {
  readonly name: N;
  /** Service that answers it; `every` is answered by each of them. */
  readonly service: S;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `{field}` for fields of `input`; the others are the query of a GET or DELETE, the body of the rest. */
  readonly path: `/v1/${string}`;
  readonly summary: string;
  readonly description?: string;
  readonly scope: Scope;
  readonly input: I;
  readonly output: O;
  /** Status of success; 200 unless said. */
  readonly status?: 200 | 201 | 202 | 204;
  /** Errors beyond those that every operation may answer (400, 401, 403, 429, 500, 503). */
  readonly errors: readonly ErrorCode[];
  readonly kind?: 'unary' | 'stream' | 'upload';
  /** How a stream goes over HTTP. */
  readonly as?: 'sse' | 'text';
  /** Limit of its JSON body in bytes, where that is not the 1 MiB of every other; over gRPC 4 MiB is the limit anyway. */
  readonly maxBytes?: number;
  /** For an upload: media types taken and the limit in bytes. */
  readonly accepts?: { readonly types: readonly string[]; readonly maxBytes: number };
}

export const defineOperation = <
  const N extends string,
  const S extends ServiceName | 'every',
  I extends z.ZodObject,
  O extends z.ZodObject,
  const R extends Omit<Operation<N, S, I, O>, never>,
>(
  operation: R & Operation<N, S, I, O>,
): R & Operation<N, S, I, O> => operation;
