import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the scripted registry saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers a request; `nth` counts the requests with the same method and path, from 1. */
export type Script = (request: SeenRequest, response: ServerResponse, nth: number) => void;

export interface ScriptedRegistry extends AsyncDisposable {
  readonly host: string;
  readonly requests: SeenRequest[];
  /** `GET /v2/` for each request, in order. */
  readonly log: string[];
  /** How many connections were opened so far. */
  readonly connections: number;
}

/**
 * An HTTP server that does what its script says: a registry that misbehaves, or an attacker on another loopback address.
 */
export async function startScriptedRegistry(script: Script, address = '127.0.0.1'): Promise<ScriptedRegistry> {
  const requests: SeenRequest[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const seen = { method, path, headers, body: Buffer.concat(chunks).toString() };
      const key = `${method} ${path}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      requests.push(seen);
      script(seen, response, counts.get(key) ?? 1);
    });
  });
  let connections = 0;
  server.on('connection', () => connections++);
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `${address}:${port}`,
    requests,
    get log() {
      return requests.map(({ method, path }) => `${method} ${path}`);
    },
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Ends a response with a status, headers and a body. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | string[]> = {},
  body: string | Buffer = '',
): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
