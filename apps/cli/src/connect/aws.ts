import { createHash, createHmac } from 'node:crypto';
import { usageError } from '../errors.js';
import type { Signer } from './api.js';

export interface AwsScope {
  readonly region: string;
  readonly service: string;
}

const hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();

/** RFC 3986: what encodeURIComponent leaves is encoded too. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Signs requests by AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide, "Create a signed AWS API
 * request").
 * @param login ACCESS-KEY-ID:SECRET-ACCESS-KEY, or with :SESSION-TOKEN
 * @throws CliError (usage) when the login has not that form
 */
export const signAws = (login: string, { region, service }: AwsScope, now: () => Date = () => new Date()): Signer => {
  const [, id, key, session] = /^([A-Z0-9]{8,128}):([A-Za-z0-9/+=]+)(?::(.+))?$/.exec(login) ?? [];
  if (id === undefined || key === undefined) {
    throw usageError('The login is not ACCESS-KEY-ID:SECRET-ACCESS-KEY.', 'put both into it, with a colon');
  }
  return ({ method, url, headers, body }) => {
    const date = now()
      .toISOString()
      .replace(/[-:]|\.\d{3}/g, '');
    const added = { 'x-amz-date': date, ...(session === undefined ? {} : { 'x-amz-security-token': session }) };
    const signed = Object.entries({ ...headers, ...added, host: url.host })
      // What a client or proxy may change on the way is not signed.
      .filter(([name]) => /^(host|content-type|x-amz-.*)$/.test(name))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const names = signed.map(([name]) => name).join(';');
    const query = [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&');
    const canonical = [
      method,
      url.pathname,
      query,
      ...signed.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}`),
      '',
      names,
      hex(body),
    ].join('\n');
    const scope = [date.slice(0, 8), region, service, 'aws4_request'];
    const signingKey = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${key}`);
    const toSign = ['AWS4-HMAC-SHA256', date, scope.join('/'), hex(canonical)].join('\n');
    const signature = hmac(signingKey, toSign).toString('hex');
    const authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}`;
    return { ...added, authorization };
  };
};
