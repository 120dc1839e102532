import { Agent, request } from 'undici';
import { AddressPolicy } from '#libs/oci';
import { parseRetryAfter } from './retries.js';

/** How a try went. */
export interface Outcome {
  readonly ok: boolean;
  /** Null when nothing was answered. */
  readonly httpStatus: number | null;
  /** Why it failed; null when it did not. */
  readonly error: string | null;
  /** How long the endpoint wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number | null;
}

export interface Sender {
  /** Posts once. Never rejects: what goes wrong is the outcome. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Outcome>;
}

/** Standard Webhooks: 15 to 30 s. */
export const timeoutMs = 15_000;

const failed = (error: string): Outcome => ({ ok: false, httpStatus: null, error, retryAfterMs: null });

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its host is not known',
  EAI_AGAIN: 'its host cannot be looked up now',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it broke the connection off',
  UND_ERR_SOCKET: 'it broke the connection off',
  UND_ERR_CONNECT_TIMEOUT: 'it cannot be connected to in time',
  FORBIDDEN_ADDRESS:
    'its address is not public. The operator can allow its network in PLINTH_WEBHOOK_ALLOW (http:// goes to those only)',
};

/**
 * Posts over HTTP, to addresses that webhooks may go to: `https` to public ones, and either scheme to the networks that
 * the operator lists. The address that is checked is the one that is connected to. Redirects are not followed: they
 * would lead around the check.
 */
export class HttpSender implements Sender {
  private readonly policies: Readonly<Record<string, AddressPolicy>>;
  private readonly agents: Readonly<Record<string, Agent>>;

  /** @throws RangeError when a CIDR cannot be read */
  constructor(private readonly options: { readonly allow: readonly string[]; readonly timeoutMs?: number }) {
    this.policies = {
      'https:': new AddressPolicy(options.allow),
      'http:': new AddressPolicy(options.allow, false),
    };
    const agentFor = ({ lookup }: AddressPolicy): Agent =>
      new Agent({ connect: { lookup, timeout: this.timeoutMs }, pipelining: 1, keepAliveTimeout: 10_000 });
    this.agents = Object.fromEntries(
      Object.entries(this.policies).map(([protocol, policy]) => [protocol, agentFor(policy)]),
    );
  }

  /** Why a URL can never be posted to; undefined when it may. Names are judged when they are connected to. */
  problemOf(url: string): string | undefined {
    const parsed = URL.parse(url);
    const policy = parsed && this.policies[parsed.protocol];
    if (!parsed || !policy) return 'expected an https:// URL';
    if (parsed.username !== '' || parsed.password !== '') return 'expected no user and no password in it';
    try {
      policy.checkLiteral(parsed.hostname);
      return undefined;
    } catch {
      return words['FORBIDDEN_ADDRESS'];
    }
  }

  async post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const problem = this.problemOf(url);
    if (problem !== undefined) return failed(problem);
    const timeout = AbortSignal.timeout(this.timeoutMs);
    try {
      const answer = await request(url, {
        dispatcher: this.agents[new URL(url).protocol]!,
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.any([signal, timeout]),
        headersTimeout: this.timeoutMs,
        bodyTimeout: this.timeoutMs,
      });
      // What is answered is of no interest, and not shown: it might be of somebody who was not meant to be asked.
      await answer.body.dump({ limit: 65_536, signal: AbortSignal.any([signal, timeout]) }).catch(() => undefined);
      return outcomeOf(answer.statusCode, answer.headers['retry-after']);
    } catch (error) {
      if (timeout.aborted) return failed(`no answer within ${this.timeoutMs / 1000} s`);
      const { code = '', message } = error as NodeJS.ErrnoException;
      return failed(words[code] ?? message);
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.agents).map((agent) => agent.destroy()));
  }

  private get timeoutMs(): number {
    return this.options.timeoutMs ?? timeoutMs;
  }
}

const outcomeOf = (httpStatus: number, retryAfter: string | string[] | undefined): Outcome => {
  const ok = httpStatus >= 200 && httpStatus < 300;
  const redirect = httpStatus >= 300 && httpStatus < 400;
  const retryAfterMs = parseRetryAfter([retryAfter ?? []].flat()[0], new Date());
  const error = `it answered ${httpStatus}${redirect ? '; redirects are not followed, change the URL' : ''}`;
  return { ok, httpStatus, error: ok ? null : error, retryAfterMs };
};
