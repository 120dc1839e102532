import { lookup as dnsLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { AddressPolicy } from '#libs/oci';
import { ContextError, isContextError, wordsOf } from './errors.js';

const REDIRECTS = 5;
const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

/** Any public address and none besides. */
const publicOnly = new AddressPolicy();
/** Cloud metadata and "this host": nobody's source code is there. */
const NEVER = /^((::ffff:|64:ff9b::)?(169\.254\.|0\.|a9fe:|0:)|fe[89ab]|::$|fd00:ec2::254$)/i;

export interface FetchOptions {
  /** Sent as the Authorization header, to the first origin only. */
  readonly authorization?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /**
   * Which addresses may be connected to, on every hop. Without one: what the address in the task names, wherever it
   * is (metadata services excepted), and from a public address only to public ones.
   */
  readonly addressPolicy?: AddressPolicy;
  /** Milliseconds without a byte after which the server is given up. Default 60 s. */
  readonly idleMs?: number;
}

export interface Fetched {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** The address that answered: for a program that must connect to the very same one. */
  readonly address: string;
  /** Ends the connections. */
  close(): Promise<void>;
}

/**
 * GET that follows at most five redirects, never from https to http, never from a public address to one that is not,
 * and takes the credential along to no other origin.
 * @throws ContextError INVALID, ACCESS_DENIED (an address that is not permitted), UNAVAILABLE; the signal's reason
 */
export async function fetchSafely(address: URL, options: FetchOptions): Promise<Fetched> {
  let url = address;
  let cameFromPublic = false;
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const answer = await fetchOnce(url, address.origin === url.origin, cameFromPublic, options);
    if (!isRedirect(answer.status)) return answer;
    const next = redirectTarget(answer);
    await answer.close();
    cameFromPublic ||= publicOnly.permits(answer.address);
    url = next;
  }
  throw new ContextError('INVALID', `${nameOf(address)} redirects more than ${REDIRECTS} times.`);
}

async function fetchOnce(url: URL, isFirst: boolean, onlyPublic: boolean, options: FetchOptions): Promise<Fetched> {
  const permits = (ip: string): boolean =>
    options.addressPolicy ? options.addressPolicy.permits(ip) : onlyPublic ? publicOnly.permits(ip) : !NEVER.test(ip);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  let connected = host;
  if (isIP(host) !== 0 && !permits(host)) throw forbidden(host, host);
  const lookup: LookupFunction = (name, how, callback) => {
    dnsLookup(name, { ...how, all: true }, (error, found) => {
      if (error) return callback(error, '');
      // One address, remembered: a name that resolves differently the next time gains nothing.
      const first = found.find((one) => permits(one.address));
      if (!first) return callback(forbidden(name, found[0]?.address ?? 'nothing'), '');
      connected = first.address;
      return how.all ? callback(null, [first]) : callback(null, first.address, first.family);
    });
  };
  const idle = options.idleMs ?? 60_000;
  const agent = new Agent({ connect: { lookup, timeout: 20_000 }, headersTimeout: idle, bodyTimeout: idle });
  const close = async (): Promise<void> => agent.destroy();
  try {
    const authorization = isFirst && options.authorization ? { authorization: options.authorization } : {};
    const { statusCode, headers, body } = await request(url.href, {
      dispatcher: agent,
      headers: { 'user-agent': 'plinth', ...options.headers, ...authorization },
      ...(options.signal ? { signal: options.signal } : {}),
    });
    // Whoever reads the body hears of its errors; one that is left must not end the process.
    body.on('error', () => undefined);
    return { status: statusCode, headers, body, url, address: connected, close };
  } catch (error) {
    await close();
    options.signal?.throwIfAborted();
    if (isContextError(error)) throw error;
    throw new ContextError('UNAVAILABLE', `${url.host} cannot be reached: ${wordsOf(error)}.`, { cause: error });
  }
}

function redirectTarget(answer: Fetched): URL {
  const location = [answer.headers['location']].flat()[0] ?? '';
  if (location === '' || !URL.canParse(location, answer.url.href)) {
    throw new ContextError('INVALID', `${nameOf(answer.url)} redirects to nowhere.`);
  }
  const next = new URL(location, answer.url);
  if (next.protocol !== 'https:' && !(next.protocol === 'http:' && answer.url.protocol === 'http:')) {
    throw new ContextError('INVALID', `${nameOf(answer.url)} redirects to ${next.protocol} which is not followed.`);
  }
  next.username = '';
  next.password = '';
  return next;
}

const forbidden = (host: string, ip: string): ContextError =>
  new ContextError(
    'ACCESS_DENIED',
    `${host === ip ? host : `${host} (${ip})`} is not an address that a context may come from; ` +
      'the operator can permit its network in PLINTH_CONTEXT_ALLOW.',
  );

/** The address without its query, which may be a signature. */
export const nameOf = (url: URL): string => `${url.origin}${url.pathname}`;

/**
 * The credential in the form that servers take. `user:password` is sent as it is; hosts want different user names
 * beside a bare token, GitHub, GitLab and Azure DevOps any.
 * @throws ContextError INVALID when it would travel in clear text
 */
export function authorizationFor(url: URL, token: string | undefined, scheme: 'Basic' | 'Bearer'): string | null {
  if (token === undefined || token === '') return null;
  const loopback = url.hostname === 'localhost' || url.hostname.startsWith('127.') || url.hostname === '[::1]';
  if (url.protocol === 'http:' && !loopback) {
    throw new ContextError('INVALID', `The access token is not sent to ${url.host} over http; use its https address.`);
  }
  if (/[\r\n\0]/.test(token)) throw new ContextError('INVALID', 'The access token has a line break in it.');
  if (scheme === 'Bearer' && !token.includes(':')) return `Bearer ${token}`;
  const user = url.hostname === 'bitbucket.org' ? 'x-token-auth' : 'x-access-token';
  return `Basic ${Buffer.from(token.includes(':') ? token : `${user}:${token}`).toString('base64')}`;
}

/** What a status that is not 200 says of a context. */
export function refusalFor(status: number, what: string, hasToken: boolean): ContextError {
  const token = hasToken ? 'the contextAccessToken was not accepted' : 'if it is private, give a contextAccessToken';
  if (status === 401 || status === 403) {
    return new ContextError('ACCESS_DENIED', `Access to ${what} was denied (${status}): ${token}.`);
  }
  if (status === 404 || status === 410)
    return new ContextError('NOT_FOUND', `There is no ${what} (${status}); ${token}.`);
  if (status === 408 || status === 429 || status >= 500) {
    return new ContextError('UNAVAILABLE', `The server of ${what} answered ${status}; later it may work.`);
  }
  return new ContextError('INVALID', `The server of ${what} answered ${status}, where 200 was expected.`);
}
