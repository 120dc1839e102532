import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that came to a webhook's endpoint. */
export interface Received {
  readonly path: string;
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly signatures: readonly string[];
  readonly body: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly position: number };
}

/** Another team's endpoint for webhooks. Each path answers as it is told; 204 unless told. */
export class Receiver {
  readonly received: Received[] = [];
  readonly #answers = new Map<string, (response: ServerResponse, received: Received) => void>();
  readonly #listeners = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new Receiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const header = (name: string): string => String(request.headers[`webhook-${name}`]);
        const { type, data } = JSON.parse(body) as Pick<Received, 'type' | 'data'>;
        const received: Received = {
          path: request.url ?? '',
          id: header('id'),
          timestamp: Number(header('timestamp')),
          signatures: header('signature').split(' '),
          body,
          type,
          data,
        };
        receiver.received.push(received);
        const answer = receiver.#answers.get(received.path);
        if (answer) answer(response, received);
        else response.writeHead(204).end();
        for (const listener of receiver.#listeners) listener();
      });
    });
    return receiver;
  }

  answer(path: string, how: (response: ServerResponse, received: Received) => void): void {
    this.#answers.set(path, how);
  }

  at(path: string): Received[] {
    return this.received.filter((one) => one.path === path);
  }

  /** Resolves to what came to a path, once that suits. */
  async until(path: string, suits: (received: readonly Received[]) => boolean): Promise<Received[]> {
    for (;;) {
      const here = this.at(path);
      if (suits(here)) return here;
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Standard Webhooks, written anew from its text: true when one of the signatures is of this secret. */
export const isSignedWith = (secret: string, { id, timestamp, body, signatures }: Received): boolean => {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return signatures.some((signature) => {
    const [version, encoded = ''] = signature.split(',');
    const given = Buffer.from(encoded, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
};
