import { isIP } from 'node:net';
import type { AddressPolicy } from '#libs/oci';
import { ContextError, shown, wordsOf } from '../errors.js';
import { authorizationFor, fetchSafely, nameOf, refusalFor } from '../http.js';
import { git, type GitResult, type GitRun } from './program.js';

export interface RemoteOptions {
  readonly accessToken?: string;
  readonly addressPolicy?: AddressPolicy;
  readonly signal?: AbortSignal;
}

/** A repository that answered, with how git is to reach the very same server. */
export interface Remote {
  /** After redirects. */
  readonly url: string;
  readonly config: Readonly<Record<string, string>>;
  readonly accessToken: string | undefined;
}

/**
 * Asks the server for the repository, as git itself would begin, and follows its redirects by our rules. git then
 * follows none, and connects to the address that was judged.
 * @throws ContextError NOT_FOUND, ACCESS_DENIED, INVALID, UNAVAILABLE
 */
export async function reach(url: string, options: RemoteOptions): Promise<Remote> {
  const first = new URL(url);
  const service = '/info/refs?service=git-upload-pack';
  const authorization = authorizationFor(first, options.accessToken, 'Basic');
  const answer = await fetchSafely(new URL(url + service), {
    ...options,
    authorization,
    headers: { 'git-protocol': 'version=2', accept: '*/*' },
  });
  await answer.close();
  const what = `repository ${nameOf(first)}`;
  if (answer.status !== 200) throw refusalFor(answer.status, what, authorization !== null);
  const type = String(answer.headers['content-type'] ?? '');
  if (!type.startsWith('application/x-git-upload-pack-advertisement') || !answer.url.href.endsWith(service)) {
    throw new ContextError(
      'INVALID',
      `There is no git repository at ${nameOf(first)}: what answers is ${shown(type)}.`,
    );
  }
  const final = new URL(answer.url.href.slice(0, -service.length));
  const config: Record<string, string> = {};
  if (authorization !== null && final.origin === first.origin) {
    config[`http.${final.origin}/.extraHeader`] = `Authorization: ${authorization}`;
  }
  if (isIP(final.hostname.replace(/^\[|\]$/g, '')) === 0) {
    const port = final.port || (final.protocol === 'https:' ? '443' : '80');
    const address = answer.address.includes(':') ? `[${answer.address}]` : answer.address;
    config['http.curloptResolve'] = `${final.hostname}:${port}:${address}`;
  }
  return { url: final.href, config, accessToken: options.accessToken };
}

/**
 * The full name and commit of a branch, tag or `refs/…` name; null is the default branch. A branch goes before a tag
 * of the same name, as for `git clone --branch`.
 * @throws ContextError NOT_FOUND
 */
export async function lookUp(
  remote: Remote,
  ref: string | null,
  run: Pick<GitRun, 'home' | 'signal'>,
): Promise<{ name: string; commit: string }> {
  const names =
    ref === null ? ['HEAD'] : [...(ref.startsWith('refs/') ? [ref] : []), `refs/heads/${ref}`, `refs/tags/${ref}`];
  const patterns = names.flatMap((name) => [name, `${name}^{}`]);
  const result = await git({ ...run, config: remote.config, args: ['ls-remote', '--', remote.url, ...patterns] });
  if (result.code !== 0) throw failureOf(result, remote);
  const found = new Map(
    result.stdout.split('\n').flatMap((line): [string, string][] => {
      const [commit = '', name = ''] = line.split('\t');
      return isCommit(commit) ? [[name, commit]] : [];
    }),
  );
  for (const name of names) {
    const commit = found.get(`${name}^{}`) ?? found.get(name);
    if (commit !== undefined) return { name, commit };
  }
  if (ref === null) throw new ContextError('NOT_FOUND', `${remote.url} has no default branch: nothing was pushed yet.`);
  const hint = /^[0-9a-f]{7,39}$/.test(ref) ? '; a commit needs all of its 40 characters' : '';
  throw new ContextError('NOT_FOUND', `There is no branch or tag ${shown(ref)} in ${remote.url}${hint}.`);
}

export const isCommit = (text: string): boolean => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

/** What git said of a remote, in our words and without the token. */
export function failureOf(result: GitResult, remote: Remote): ContextError {
  const fatal = result.stderr.split('\n').filter((line) => /^(fatal|error|remote):/.test(line));
  let words = wordsOf(fatal.slice(0, 3).join(' ') || result.stderr || `exit code ${result.code}`);
  for (const secret of [remote.accessToken, ...Object.values(remote.config)]) {
    if (secret !== undefined && secret !== '') words = words.replaceAll(secret, '•••');
  }
  if (/Authentication failed|could not read (Username|Password)|error: 40[13]\b/i.test(result.stderr)) {
    return new ContextError('ACCESS_DENIED', `Access to ${remote.url} was denied: ${words}.`);
  }
  if (/repository .* not found|error: 404\b/i.test(result.stderr)) {
    return new ContextError('NOT_FOUND', `There is no repository ${remote.url}: ${words}.`);
  }
  return new ContextError('UNAVAILABLE', `git could not read ${remote.url}: ${words}.`);
}
