import type { ServerResponse } from 'node:http';

/** Milliseconds after which a browser connects again. */
export const sseRetryMs = 2000;
export const heartbeatMs = 15_000;
/** A reader that takes nothing for so long is disconnected; it resumes with Last-Event-ID. */
export const slowReaderMs = 30_000;

/**
 * One event in the format of the HTML standard §9.2. Line breaks in `id` and `event` would end the field, so they
 * may have none; `data` is one JSON text, which has none.
 */
export const encodeEvent = (event: { id?: number; event?: string; data: unknown }): string =>
  (event.id === undefined ? '' : `id: ${event.id}\n`) +
  (event.event === undefined ? '' : `event: ${event.event.replace(/[\r\n]/g, ' ')}\n`) +
  `data: ${JSON.stringify(event.data)}\n\n`;

/** A comment: keeps proxies from closing a quiet stream. */
export const heartbeat = ': still here\n\n';

/** An item of a stream as an event: `position` or `offset` is its id, its `type` (where it has one) its name. */
export const itemEvent = (item: Readonly<Record<string, unknown>>): string => {
  const id = item['position'] ?? item['offset'];
  const type = item['type'];
  return encodeEvent({
    ...(typeof id === 'number' ? { id } : {}),
    ...(typeof type === 'string' ? { event: type } : {}),
    data: item,
  });
};

export const streamHeaders = (as: 'sse' | 'text'): Record<string, string> => ({
  'content-type': as === 'sse' ? 'text/event-stream; charset=utf-8' : 'text/plain; charset=utf-8',
  // RFC 9111 §5.2.2.6: proxies must not compress, which would buffer.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
});

export interface StreamWriterOptions {
  readonly heartbeatMs?: number;
  readonly slowReaderMs?: number;
}

/**
 * Writes a stream at the pace of its reader: what is in flight is the socket's buffer and one item, never more.
 * `write` resolves to false when the reader is gone or too slow.
 */
export class StreamWriter {
  readonly #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly response: ServerResponse,
    as: 'sse' | 'text',
    private readonly options: StreamWriterOptions = {},
  ) {
    if (as === 'sse') {
      this.#heartbeat = setInterval(() => {
        if (!response.writableNeedDrain && !response.writableEnded && !response.destroyed) response.write(heartbeat);
      }, options.heartbeatMs ?? heartbeatMs);
      this.#heartbeat.unref();
    }
  }

  async write(text: string): Promise<boolean> {
    const { response } = this;
    if (response.destroyed || response.writableEnded) return false;
    if (response.write(text)) return true;
    return new Promise<boolean>((resolve) => {
      const settle = (open: boolean): void => {
        clearTimeout(timer);
        response.off('drain', onDrain).off('close', onClose);
        if (!open) response.destroy();
        resolve(open);
      };
      const onDrain = (): void => settle(true);
      const onClose = (): void => settle(false);
      const timer = setTimeout(() => settle(false), this.options.slowReaderMs ?? slowReaderMs);
      timer.unref();
      response.once('drain', onDrain).once('close', onClose);
    });
  }

  /** The regular end. */
  end(last?: string): void {
    this.stop();
    if (!this.response.destroyed) this.response.end(last);
  }
  /** No more heartbeats. */
  stop(): void {
    clearInterval(this.#heartbeat);
  }
}
