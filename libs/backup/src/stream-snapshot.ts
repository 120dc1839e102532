import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';

/**
 * JetStream's own snapshots of streams (`$JS.API.STREAM.SNAPSHOT` and `…RESTORE`), those of `nats stream backup`: the
 * messages of one moment, with their sequences and times, taken while the stream is in use.
 */
export interface StreamSnapshot {
  readonly config: Record<string, unknown>;
  readonly state: Record<string, unknown>;
  /** A tar archive, compressed by the server. To be read to its end. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface ApiError {
  readonly code?: number;
  readonly err_code?: number;
  readonly description?: string;
}

export class StreamApiError extends Error {
  override readonly name = 'StreamApiError';
  constructor(
    readonly stream: string,
    readonly verb: string,
    readonly api: ApiError,
  ) {
    super(`${stream} could not be ${verb}: ${api.description ?? `error ${api.code}`}.`);
  }
}

const requestMs = 30_000;
/** Silence after which a snapshot is given up. */
const stallMs = 60_000;
/** Below every server's max_payload (1 MiB unless configured). */
const chunkBytes = 128 * 1024;

const ask = async <T>(
  connection: NatsConnection,
  subject: string,
  body: unknown,
): Promise<T & { error?: ApiError }> => {
  const answer = await connection.request(subject, JSON.stringify(body), { timeout: requestMs });
  return answer.json();
};

/** @throws StreamApiError, also from `chunks` */
export const snapshotStream = async (connection: NatsConnection, stream: string): Promise<StreamSnapshot> => {
  const inbox = createInbox();
  const subscription = connection.subscribe(inbox);
  const answer = await ask<{ config: Record<string, unknown>; state: Record<string, unknown> }>(
    connection,
    `$JS.API.STREAM.SNAPSHOT.${stream}`,
    { deliver_subject: inbox, no_consumers: true, chunk_size: chunkBytes },
  );
  if (answer.error) {
    subscription.unsubscribe();
    throw new StreamApiError(stream, 'read', answer.error);
  }
  return { config: answer.config, state: answer.state, chunks: chunksOf(stream, subscription) };
};

async function* chunksOf(
  stream: string,
  subscription: AsyncIterable<Msg> & { unsubscribe(): void },
): AsyncGenerator<Uint8Array> {
  const messages = subscription[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await within(messages.next(), stream);
      if (next.done) throw new StreamApiError(stream, 'read', { description: 'the connection was closed' });
      const message = next.value;
      // The server sends no more than it is thanked for.
      message.respond();
      if (message.data.length > 0) {
        yield message.data;
        continue;
      }
      const { headers } = message;
      if (headers && headers.code >= 400) {
        throw new StreamApiError(stream, 'read', { code: headers.code, description: headers.description });
      }
      return;
    }
  } finally {
    subscription.unsubscribe();
  }
}

const within = async <T>(promise: Promise<T>, stream: string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(new StreamApiError(stream, 'read', { description: `the server was silent for ${stallMs / 1000} s` })),
      stallMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Makes a stream of a snapshot. It is there when this resolves, and not at all before: what is broken off leaves
 * nothing.
 *
 * @throws StreamApiError, as when there is a stream of that name
 */
export const restoreStream = async (
  connection: NatsConnection,
  { config, state, chunks }: StreamSnapshot,
): Promise<void> => {
  const stream = String(config['name']);
  const begun = await ask<{ deliver_subject: string }>(connection, `$JS.API.STREAM.RESTORE.${stream}`, {
    config,
    state,
  });
  if (begun.error) throw new StreamApiError(stream, 'restored', begun.error);
  const send = async (data: Uint8Array): Promise<void> => {
    const answer = await connection.request(begun.deliver_subject, data, { timeout: requestMs });
    if (answer.data.length === 0) return;
    const { error } = answer.json<{ error?: ApiError }>();
    if (error) throw new StreamApiError(stream, 'restored', error);
  };
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += chunkBytes) await send(chunk.subarray(at, at + chunkBytes));
  }
  await send(new Uint8Array());
};
