import { request } from 'undici';
import { type Answer, discard, drain, errorFrom, readBytes } from './answers.js';
import { Authorizer, type AskTokenServer } from './authorizer.js';
import type { Call, TransportOptions } from './calls.js';
import { parseChallenges } from './challenges.js';
import type { RegistryError } from './errors.js';
import { isTransient, wrapFailure } from './failures.js';
import { HostConnections, hostConfigFor } from './hosts.js';
import { parseRateLimit, type RateLimit } from './rate-limit.js';
import { isRedirect, nextHop } from './redirects.js';
import { TimeLimit } from './time-limit.js';
import { parseWarnings } from './warnings.js';

interface Host {
  readonly connections: HostConnections;
  readonly auth: Authorizer;
}

const TOKEN_LIMIT = 1024 * 1024;
const BACK_OFF_MS = 250;
/** No token, then a token, then a token with the scope that was missing. */
const MAX_AUTH_ROUNDS = 2;

/** Requests with everything a registry may ask of a client: authentication, redirects, retries, limits of time. */
export class Transport {
  private readonly hosts = new Map<string, Host>();
  private readonly warned = new Set<string>();

  constructor(private readonly options: TransportOptions) {}

  /**
   * Does the call and gives its answer to consume, whose failures to read count as failures of the call.
   * @throws RegistryError; the reason of `call.signal` when that is aborted
   */
  async send<T>(call: Call, consume: (answer: Answer) => Promise<T>): Promise<T> {
    const host = this.host(call.registry);
    for (let attempt = 0; ; attempt++) {
      call.signal?.throwIfAborted();
      using limit = call.unbounded ? undefined : new TimeLimit(this.options.timeouts.totalMs, call.signal);
      try {
        return await this.authorized(host, { ...call, signal: limit?.signal ?? call.signal }, consume);
      } catch (failure) {
        call.signal?.throwIfAborted();
        const error = this.scrubbed(host, wrapFailure(failure, call));
        const wait = this.waitAfter(error, attempt, call);
        if (wait === undefined) throw error;
        await this.options.clock.sleep(wait, call.signal);
      }
    }
  }

  /** Fetches one token for many scopes, so that the calls to come need none of their own. */
  async authorize(registry: string, scopes: readonly string[], signal?: AbortSignal): Promise<void> {
    const doing = 'a login';
    await this.send({ registry, doing, method: 'GET', target: '/v2/', scopes, accept: [200], signal }, drain);
  }

  /** The pause before a caller's own retry. @throws the signal's reason */
  async pause(attempt: number, retryAfterMs: number | undefined, signal?: AbortSignal): Promise<void> {
    await this.options.clock.sleep(Math.min(retryAfterMs ?? backOff(attempt), this.options.maxRetryWaitMs), signal);
  }

  hostOf(registry: string): Host {
    return this.host(registry);
  }

  /** Drops connections, tokens and configuration of a registry; the next call asks for its configuration again. */
  async forget(registry: string): Promise<void> {
    const host = this.hosts.get(registry);
    this.hosts.delete(registry);
    await host?.connections.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.hosts.keys()].map((registry) => this.forget(registry)));
  }

  private host(registry: string): Host {
    let host = this.hosts.get(registry);
    if (!host) {
      const config = hostConfigFor(this.options.hosts, registry);
      const connections = new HostConnections(config, this.options.timeouts);
      host = {
        connections,
        auth: new Authorizer(config, this.askTokenServer(registry, connections), this.options.clock),
      };
      this.hosts.set(registry, host);
    }
    return host;
  }

  private async authorized<T>(host: Host, call: Call, consume: (answer: Answer) => Promise<T>): Promise<T> {
    let proof = await abortable(host.auth.current(call.scopes), call.signal);
    for (let round = 0; ; round++) {
      const { answer, own } = await this.follow(host.connections, call, proof?.header);
      if (own && demandsLogin(answer) && round < MAX_AUTH_ROUNDS) {
        const challenge = answer.headers['www-authenticate'] ?? (await this.challengeOf(host, call));
        const better = await abortable(host.auth.answer(challenge, call.scopes, proof), call.signal);
        if (better) {
          await drain(answer);
          proof = better;
          continue;
        }
      }
      if (!call.accept.includes(answer.status)) throw await errorFrom(answer, call, this.options.clock.now());
      try {
        return await consume(answer);
      } catch (error) {
        discard(answer);
        throw error;
      }
    }
  }

  /** gcr.io may answer 401 without a challenge; the one at /v2/ is meant. */
  private async challengeOf(host: Host, call: Call): Promise<string | string[] | undefined> {
    if (host.auth.kind !== 'none') return undefined;
    const { registry, signal } = call;
    const ping = {
      registry,
      signal,
      doing: 'GET /v2/',
      method: 'GET',
      target: '/v2/',
      scopes: [],
      accept: [],
    } as const;
    const { answer } = await this.follow(host.connections, ping, undefined);
    await drain(answer);
    return answer.headers['www-authenticate'];
  }

  private async follow(
    connections: HostConnections,
    call: Call,
    authorization: string | undefined,
  ): Promise<{ answer: Answer; own: boolean }> {
    let url = new URL(call.target, connections.origin);
    // An upload session at another host gets our bytes, never our login.
    let proof = url.host === connections.origin.host ? authorization : undefined;
    let own = url.host === connections.origin.host;
    for (let hop = 0; ; hop++) {
      const answer = await this.exchange(connections, call, url, proof);
      if (!isRedirect(answer) || call.accept.includes(answer.status)) return { answer, own };
      await drain(answer);
      const next = nextHop(connections.config, call, answer, hop);
      if (next.host !== url.host || next.protocol !== url.protocol) {
        proof = undefined;
        own = false;
      }
      url = next;
    }
  }

  /** One request on the wire. */
  private async exchange(
    connections: HostConnections,
    call: Pick<Call, 'registry' | 'method' | 'headers' | 'body' | 'signal' | 'headersMs'>,
    url: URL,
    authorization: string | undefined,
  ): Promise<Answer> {
    const { timeouts, userAgent, onRequest } = this.options;
    const began = performance.now();
    const record = (status?: number, rateLimit?: RateLimit) =>
      onRequest?.({
        registry: call.registry,
        host: url.host,
        method: call.method,
        ms: performance.now() - began,
        ...(status !== undefined && { status }),
        ...(rateLimit && { rateLimit }),
      });
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: connections.dispatcherFor(url),
        method: call.method,
        headers: { 'user-agent': userAgent, ...call.headers, ...(authorization !== undefined && { authorization }) },
        body: call.body?.() ?? null,
        signal: call.signal,
        // undici closes the connection after a HEAD unless told not to: a new TLS handshake for every probe.
        reset: false,
        headersTimeout: call.headersMs ?? timeouts.headersMs,
        bodyTimeout: timeouts.bodyMs,
      });
      record(statusCode, parseRateLimit(headers));
      this.warn(call.registry, headers.warning);
      return { status: statusCode, headers, body, url };
    } catch (error) {
      record();
      throw error;
    }
  }

  private warn(registry: string, headers: string | string[] | undefined): void {
    if (headers === undefined || !this.options.onWarning) return;
    for (const text of parseWarnings(headers)) {
      const key = `${registry} ${text}`;
      if (this.warned.has(key) || this.warned.size >= 1000) continue;
      this.warned.add(key);
      this.options.onWarning({ registry, text });
    }
  }

  private askTokenServer(registry: string, connections: HostConnections): AskTokenServer {
    return async ({ method, url, headers, body }) => {
      // Shared by every call that waits for this token, so no caller's signal ends it.
      using limit = new TimeLimit(this.options.timeouts.totalMs);
      const { signal } = limit;
      const asked = { registry, doing: 'the request for a token' };
      const call = {
        ...asked,
        method,
        headers,
        signal,
        body: body === undefined ? undefined : () => Buffer.from(body),
      };
      try {
        const answer = await this.exchange(connections, call, url, undefined);
        if (answer.status !== 200) {
          return { status: answer.status, error: await errorFrom(answer, asked, this.options.clock.now()) };
        }
        const bytes = await readBytes(answer, TOKEN_LIMIT, asked);
        return { status: 200, body: parsedOrNothing(bytes) };
      } catch (error) {
        throw wrapFailure(error, asked);
      }
    };
  }

  private waitAfter(error: RegistryError, attempt: number, call: Call): number | undefined {
    if (attempt >= (call.retries ?? this.options.retries) || !isTransient(error)) return undefined;
    if (error.retryAfterMs !== undefined) {
      return error.retryAfterMs <= this.options.maxRetryWaitMs ? error.retryAfterMs : undefined;
    }
    // An empty budget with a window of hours is not refilled by asking again.
    if (error.code === 'RATE_LIMITED' && error.rateLimit?.remaining === 0) return undefined;
    return backOff(attempt);
  }

  private scrubbed(host: Host, error: RegistryError): RegistryError {
    error.message = host.auth.scrub(error.message);
    if (error.stack !== undefined) error.stack = host.auth.scrub(error.stack);
    return error;
  }
}

/** Doubling, with jitter so that clients that failed together do not come back together. */
function backOff(attempt: number): number {
  const whole = BACK_OFF_MS * 2 ** attempt;
  return whole / 2 + (Math.random() * whole) / 2;
}

function demandsLogin(answer: Answer): boolean {
  if (answer.status === 401) return true;
  if (answer.status !== 403) return false;
  const challenges = parseChallenges(answer.headers['www-authenticate']);
  return challenges.some(({ parameters }) => parameters.get('error') === 'insufficient_scope');
}

function parsedOrNothing(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined; // the authorizer says that there was no usable token
  }
}

/** Waits for work shared with others without letting this caller's signal end it. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  work.catch(() => undefined); // its failure must not go unhandled when this caller has left
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
