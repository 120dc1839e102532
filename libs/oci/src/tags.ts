import { type Answer, header, readBytes } from './answers.js';
import { RegistryError } from './errors.js';
import { parseJson } from './manifest.js';
import { aboutRepository, type CallOptions, parsed, pullScope, type Repository } from './operations.js';
import { isTag } from './reference.js';
import type { Transport } from './transport.js';

const PAGE_LIMIT = 16 * 1024 * 1024;
const PAGE_SIZE = 1000; // ECR refuses more
const MAX_PAGES = 10_000;

/**
 * All tags of a repository, in the registry's order. Pages follow `Link: rel=next`. `null` lists and digests among the
 * tags (Nexus, Artifactory) are tolerated.
 */
export async function listTags(
  transport: Transport,
  repository: Repository,
  options: CallOptions = {},
): Promise<string[]> {
  const tags = new Set<string>();
  const path = `/v2/${repository.repository}/tags/list`;
  const call = aboutRepository(repository, 'GET tags');
  for await (const bytes of pages(transport, repository, path, `n=${PAGE_SIZE}`, call.doing, options)) {
    const page = parsed(repository, () => parseJson(bytes, 'tag list')) as { tags?: unknown } | null;
    const listed = page?.tags ?? [];
    if (!Array.isArray(listed)) {
      throw new RegistryError('INVALID_RESPONSE', `${call.reference}: its tag list is not a list`, call);
    }
    for (const tag of listed) if (typeof tag === 'string' && isTag(tag)) tags.add(tag);
  }
  return [...tags];
}

/** The bodies of a listing, page by page. `onFirst` sees the headers of the first. */
export async function* pages(
  transport: Transport,
  repository: Repository,
  path: string,
  query: string,
  doing: string,
  { signal, retries }: CallOptions,
  onFirst?: (answer: Answer) => void,
): AsyncGenerator<Buffer> {
  const call = {
    ...aboutRepository(repository, doing),
    method: 'GET' as const,
    scopes: [pullScope(repository)],
    accept: [200],
    signal,
    retries,
  };
  const seen = new Set<string>();
  for (let next: string | undefined = query; next !== undefined;) {
    if (seen.has(next) || seen.size >= MAX_PAGES) {
      throw new RegistryError('INVALID_RESPONSE', `${call.reference}: the pages of ${doing} have no end`, call);
    }
    seen.add(next);
    const target: string = next === '' ? path : `${path}?${next}`;
    const { bytes, link } = await transport.send({ ...call, target }, async (answer) => {
      if (seen.size === 1) onFirst?.(answer);
      return { bytes: await readBytes(answer, PAGE_LIMIT, call), link: nextQuery(answer, call) };
    });
    yield bytes;
    next = link;
  }
}

/**
 * The query of the next page. Only the query is taken: Artifactory forgets a part of the path in its links, and no link
 * can then lead elsewhere. One to another host is refused all the same, somebody wants us there.
 */
function nextQuery(answer: Answer, call: ReturnType<typeof aboutRepository>): string | undefined {
  const link = header(answer, 'link');
  const target = link === undefined ? undefined : /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link)?.[1];
  if (target === undefined) return undefined;
  const url = URL.parse(target, answer.url.href);
  if (url?.hostname !== answer.url.hostname) {
    const why = `${call.reference}: the next page of ${call.doing} is said to be at ${url?.host ?? target}, another host`;
    throw new RegistryError('INVALID_RESPONSE', why, call);
  }
  return url.search.slice(1);
}
