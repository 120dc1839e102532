import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/**
 * Ends the connections of a server that closes: each at once when no request is in flight any more. Node's own
 * `closeIdleConnections` spares connections over which nothing was ever sent, such as those that browsers and
 * clients open in advance; they would hold the process until they time out.
 */
export class ConnectionDrain {
  #inFlight = 0;
  #onQuiet: (() => void) | undefined;

  constructor(private readonly server: Server) {
    server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
      this.#inFlight++;
      response.once('close', () => {
        this.#inFlight--;
        if (this.#inFlight === 0) this.#onQuiet?.();
      });
    });
  }

  /** Runs `close`; requests in flight have `limitMs`, then their connections are closed too. */
  async close(close: () => Promise<void>, limitMs: number): Promise<void> {
    const end = (): void => this.server.closeAllConnections();
    const limit = setTimeout(end, limitMs);
    this.#onQuiet = end;
    try {
      const closed = close();
      if (this.#inFlight === 0) end();
      await closed;
    } finally {
      clearTimeout(limit);
    }
  }
}
