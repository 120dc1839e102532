import { exitCodes } from '#libs/contracts/light';
import { CliError, usageError } from '../errors.js';

/** A request before it is sent, for those who sign it. */
export interface Unsigned {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers that prove the login. */
export type Signer = (request: Unsigned) => Readonly<Record<string, string>>;

export interface ApiOptions {
  /** Address of the API: https, or http on loopback and where the registry itself is plain http. */
  readonly base: string;
  readonly plain: boolean;
  readonly signer: Signer;
  /** Values that must stand in no message. */
  readonly hidden: readonly string[];
  readonly signal: AbortSignal;
  /** Told of each call that changes something, in place of making it. */
  readonly dry?: (call: { method: string; url: string; body?: unknown }) => void;
}

export interface Call {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** A call that only reads though its method is not GET. */
  readonly reads?: boolean;
  /** Answers that mean that there is none: undefined is answered. By status, or by the code in an error's `__type`. */
  readonly absent?: readonly (number | string)[];
  /** What a dry run goes on with. */
  readonly instead?: unknown;
}

const patienceMs = 30_000;
const mostBytes = 8 * 1024 * 1024;
const mostPages = 100;
const mostWords = 300;

/** Calls the API of a registry with a login that is used and not kept. */
export class RegistryApi {
  readonly #base: URL;

  /** @throws CliError (usage) for an address that cannot be used */
  constructor(private readonly options: ApiOptions) {
    const base = URL.parse(options.base);
    if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password || base.search) {
      throw usageError(
        `${options.base} is no address of an API.`,
        'give one such as --api https://registry.example.com',
      );
    }
    const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(base.hostname);
    if (base.protocol === 'http:' && !isLoopback && !options.plain) {
      throw usageError(
        `The login is not sent to ${base.host} in clear text.`,
        'give its https address with --api, or make the registry known with --scheme http',
      );
    }
    this.#base = base;
  }

  /** @throws CliError with the API's own words, and neither login nor secret */
  async call(method: string, path: string, call: Call = {}): Promise<unknown> {
    const url = new URL(`${this.#base.pathname.replace(/\/$/, '')}${path}`, this.#base);
    const { body, reads = method === 'GET' } = call;
    const { dry, signer, signal } = this.options;
    if (dry && !reads) {
      dry({ method, url: url.href, ...(body === undefined ? {} : { body }) });
      return call.instead;
    }
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      accept: 'application/json',
      'user-agent': 'plinth',
      ...(text === '' ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    };
    const signed = { ...headers, ...signer({ method, url, headers, body: text }) };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const where = `${method} ${url.origin}${url.pathname}`;
    let status: number;
    let answer: string;
    try {
      const response = await fetch(url, {
        method,
        headers: signed,
        ...(text === '' ? {} : { body: text }),
        // A login goes where the operator says, and nowhere else.
        redirect: 'error',
        signal: limit,
      });
      ({ status } = response);
      answer = await limitedText(response);
    } catch (error) {
      signal.throwIfAborted();
      throw new CliError(
        this.#clean(`${where} failed: ${wordsOf(error)}.`),
        exitCodes.failure,
        'look at the address that --api says, and whether it is reached from here',
      );
    }
    const json = parsed(answer);
    if (status >= 200 && status < 300) return json;
    if (call.absent?.includes(status) || call.absent?.includes(typeOf(json))) return undefined;
    const said = answer.replace(/\s+/g, ' ').trim().slice(0, mostWords);
    throw new CliError(
      this.#clean(`${where} was answered ${status}${said === '' ? '' : `: ${said}`}`),
      exitCodes.failure,
      status === 401 || status === 403 ? 'give a login that may do that; see docs/registries.md' : undefined,
    );
  }

  /** Every item of a list that comes in pages: `?page=1&SIZE=…`. */
  async pages(path: string, size: string, most: number, call: Call = {}): Promise<unknown[]> {
    const items: unknown[] = [];
    for (let page = 1; page <= mostPages; page++) {
      const found = this.list(await this.call('GET', `${path}?page=${page}&${size}=${most}`, call));
      items.push(...found);
      if (found.length < most) break;
    }
    return items;
  }

  /** @throws CliError when it is no list */
  list(value: unknown): unknown[] {
    if (Array.isArray(value)) return value;
    throw new CliError(
      `${this.#base.host} answered something else than a list; is it the API of this kind of registry?`,
    );
  }

  #clean(text: string): string {
    return this.options.hidden.reduce((clean, value) => (value === '' ? clean : clean.replaceAll(value, '•••')), text);
  }
}

const limitedText = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is larger than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

/** AWS names an error in `__type`, sometimes behind a name space. */
const typeOf = (json: unknown): string => {
  const type = typeof json === 'object' && json !== null && '__type' in json ? json.__type : undefined;
  return typeof type === 'string' ? type.replace(/^.*#/, '') : '';
};

const wordsOf = (error: unknown): string => {
  const { name, message, cause } = error as Error & { cause?: Error };
  if (name === 'TimeoutError') return `it took longer than ${patienceMs / 1000} s`;
  return cause?.message || message;
};
