import type { z } from 'zod';
import type { ErrorCode } from './errors.js';

export const services = ['watcher', 'graph', 'scheduler', 'builder'] as const;
export type ServiceName = (typeof services)[number];

/** What a token must allow. `none` is for what authenticates by itself, such as a webhook. */
export const scopes = ['read', 'run', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** What belongs to a team. */
export const ownedKinds = ['task', 'run', 'secret', 'webhook'] as const;
export type OwnedKind = (typeof ownedKinds)[number];

/**
 * Whose the thing is that an operation is about; what is another team's is for `admin` alone.
 *
 * - `none`: no team's. What everybody may read, and what is the installation's.
 * - `own`: the answer shows only what is the team's of the token (to `admin` all).
 * - `named`: the team that the input names in `team`; the token's own where it names none.
 * - `{ of, by }`: the team that owns the `of` which the field `by` of the input names; and the one named in `team`,
 *   where the input has such a field.
 */
export type Ownership = 'none' | 'own' | 'named' | { readonly of: OwnedKind; readonly by: string };

/** {@link Ownership} as a sentence, for the documents; undefined where there is nothing to say. */
export const ownershipText = (team: Ownership): string | undefined => {
  if (team === 'none') return undefined;
  if (team === 'own') return "Shows what belongs to the token's team; to `admin` all.";
  const whose = team === 'named' ? 'the team that it is for' : `the team that owns the ${team.of}`;
  return `For tokens of ${whose}, and for \`admin\`.`;
};

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
  /** Checked before the handler is called. */
  readonly team: Ownership;
  readonly input: I;
  readonly output: O;
  /** Status of success; 200 unless said. */
  readonly status?: 200 | 201 | 202 | 204;
  /** Errors beyond those that every operation may answer (400, 401, 403, 429, 500, 503). */
  readonly errors: readonly ErrorCode[];
  readonly kind?: 'unary' | 'stream' | 'upload';
  /** The answer has a secret that is shown this once: it is not kept to be answered again to the same Idempotency-Key. */
  readonly answersSecret?: true;
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
