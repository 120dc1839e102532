/** What a registry was asked and what it answered, in order, and whether that was safe: nothing here knows of Plinth. */
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Entry {
  readonly method: string;
  readonly path: string;
  /** 0 when no answer came. */
  readonly status: number;
  readonly body: string;
}

/** When something is done to the registry: before it gets a request, or once it has answered and nobody knows yet. */
export type Moment = 'asked' | 'answered';

export interface JournalOptions {
  /** `host:port` of the registry. */
  readonly upstream: string;
  /** Awaited at every moment of every request; true breaks the request off. */
  at(moment: Moment, method: string, path: string): Promise<boolean>;
}

/** Stands before a registry, under an address of its own, and writes down what goes through. */
export class Journal implements AsyncDisposable {
  readonly entries: Entry[] = [];
  readonly #server: Server;

  private constructor(private readonly options: JournalOptions) {
    this.#server = createServer((asked, answer) => {
      void this.#pass(asked).then(
        ({ response, body }) => {
          answer.writeHead(response.statusCode ?? 502, response.headers);
          answer.end(body);
        },
        () => answer.destroy(),
      );
    });
  }

  static async start(options: JournalOptions): Promise<Journal> {
    const journal = new Journal(options);
    await new Promise<void>((resolve) => journal.#server.listen(0, '127.0.0.1', resolve));
    return journal;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(asked: IncomingMessage): Promise<{ response: IncomingMessage; body: Buffer }> {
    const { method = 'GET', url: path = '/' } = asked;
    const content = await bytesOf(asked);
    const entry = (status: number) => this.entries.push({ method, path, status, body: content.toString('latin1') });
    try {
      if (await this.options.at('asked', method, path)) throw new Error('broken off');
      const response = await this.#ask(asked, content);
      const body = await bytesOf(response);
      entry(response.statusCode ?? 0);
      if (await this.options.at('answered', method, path)) throw new Error('broken off');
      return { response, body };
    } catch (error) {
      if (this.entries.at(-1)?.path !== path) entry(0);
      throw error;
    }
  }

  #ask({ method, url, headers }: IncomingMessage, content: Buffer): Promise<IncomingMessage> {
    const [host, port] = this.options.upstream.split(':');
    const { 'transfer-encoding': _, ...rest } = headers;
    return new Promise((resolve, reject) => {
      const upstream = request(
        { host, port, method, path: url, headers: { ...rest, 'content-length': content.length }, agent: false },
        resolve,
      );
      upstream.once('error', reject);
      upstream.end(content);
    });
  }
}

const bytesOf = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** What was wrong with the order of things; empty when every manifest was whole before anything named it. */
export const faultsIn = (entries: readonly Entry[]): string[] => {
  const there = new Set<string>();
  const faults: string[] = [];
  for (const { method, path, status, body } of entries) {
    const url = new URL(path, 'http://registry');
    const [, repository = '', kind, name = ''] = /^\/v2\/(.+?)\/(blobs|manifests)\/(.*)$/.exec(url.pathname) ?? [];
    const ok = status >= 200 && status < 300;
    if (kind === 'blobs' && ok) {
      const digest = url.searchParams.get('digest') ?? url.searchParams.get('mount');
      if (method === 'HEAD') there.add(`${repository}@${name}`);
      else if (digest !== null && status === 201) there.add(`${repository}@${digest}`);
    }
    if (kind !== 'manifests' || method !== 'PUT') continue;
    const manifest = JSON.parse(body) as {
      config?: { digest: string };
      layers?: { digest: string }[];
      manifests?: { digest: string }[];
    };
    const named = [manifest.config, ...(manifest.layers ?? []), ...(manifest.manifests ?? [])];
    for (const part of named) {
      if (part && !there.has(`${repository}@${part.digest}`))
        faults.push(`${path} names ${part.digest}, which is not there yet`);
    }
    if (ok && name.startsWith('sha256:')) there.add(`${repository}@${name}`);
  }
  return faults;
};

/** The digests that each tag was put on, in order, those that were not acknowledged included. */
export const movesOf = (entries: readonly Entry[], digestOf: (body: string) => string): Map<string, string[]> => {
  const moves = new Map<string, string[]>();
  for (const { method, path, body } of entries) {
    const [, repository = '', tag = ''] = /^\/v2\/(.+?)\/manifests\/([^:]+)$/.exec(path) ?? [];
    if (method !== 'PUT' || tag === '') continue;
    const key = `${repository}:${tag}`;
    moves.set(key, [...(moves.get(key) ?? []), digestOf(body)]);
  }
  return moves;
};
