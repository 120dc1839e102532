import { type Answer, header, subject } from './answers.js';
import type { Call } from './calls.js';
import { RegistryError } from './errors.js';
import type { HostConfig } from './hosts.js';

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export function isRedirect(answer: Pick<Answer, 'status'>): boolean {
  return REDIRECTS.has(answer.status);
}

/**
 * Where a redirect leads, when it may be followed: reading only, ten hops, https (or http all along, where the registry
 * is configured so), no login in the address. Addresses are judged when connecting.
 * @throws RegistryError
 */
export function nextHop(host: HostConfig, call: Call, answer: Answer, hop: number): URL {
  const location = header(answer, 'location');
  const fail = (code: 'INVALID_RESPONSE' | 'FORBIDDEN_ADDRESS', why: string) =>
    new RegistryError(code, `${subject(call)}: ${answer.url.host} redirected ${call.doing} ${why}`, {
      ...call,
      status: answer.status,
    });
  const next = location === undefined ? null : URL.parse(location, answer.url.href);
  if (!next) throw fail('INVALID_RESPONSE', 'without a usable Location');
  if (call.method !== 'GET' && call.method !== 'HEAD') {
    throw fail('INVALID_RESPONSE', `to ${next.host}; only reading may be redirected, configure that endpoint instead`);
  }
  if (hop >= MAX_REDIRECTS) throw fail('INVALID_RESPONSE', `more than ${MAX_REDIRECTS} times`);
  const plainAllowed = host.scheme === 'http' && answer.url.protocol === 'http:';
  if (next.protocol !== 'https:' && !(plainAllowed && next.protocol === 'http:')) {
    throw fail('FORBIDDEN_ADDRESS', `to ${next.protocol}//${next.host}, which is not https`);
  }
  if (next.username || next.password) throw fail('FORBIDDEN_ADDRESS', `to ${next.host} with a login in the address`);
  return next;
}
