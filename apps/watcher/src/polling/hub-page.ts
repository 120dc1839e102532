import { z } from 'zod';
import { parseRetryAfter } from '#libs/oci';

/** A tag as Docker Hub lists it. */
export interface HubTag {
  readonly name: string;
  /** Of its index or manifest; null where the list does not say. */
  readonly digest: string | null;
  /** Milliseconds. */
  readonly updatedAt: number;
}

export interface HubPage {
  readonly tags: readonly HubTag[];
  readonly isLast: boolean;
}

/** The list could not be read. */
export class HubError extends Error {
  constructor(
    message: string,
    /** It was refused for being asked too much (429), and for how long. */
    readonly limited?: { readonly retryAfterMs: number | undefined },
  ) {
    super(message);
  }
}

export type ReadHubPage = (repository: string, page: number, signal: AbortSignal) => Promise<HubPage>;

export const tagsInPage = 100;
const timeoutMs = 30_000;
/** A page of 100 tags, each for a dozen platforms, is about 300 kB. */
const largest = 8 * 1024 * 1024;

const pageSchema = z.object({
  next: z.string().nullish(),
  results: z.array(
    z.object({
      name: z.string(),
      digest: z.string().nullish(),
      last_updated: z.iso.datetime({ offset: true }).nullish(),
    }),
  ),
});

/**
 * Reads pages of the tags of a repository, those that were pushed last first (docs.docker.com/reference/api/hub/latest,
 * `GET /v2/repositories/{namespace}/{repository}/tags`). Nobody logs in for it.
 * @throws HubError
 */
export const hubPages =
  (api: string): ReadHubPage =>
  async (repository, page, signal) => {
    const url = `${api}/v2/repositories/${repository}/tags?page_size=${tagsInPage}&page=${page}&ordering=last_updated`;
    const text = await get(url, signal);
    const parsed = pageSchema.safeParse(jsonOrNothing(text));
    if (!parsed.success) throw new HubError(`GET ${url}: the answer is no list of tags`);
    const tags = parsed.data.results.map(({ name, digest, last_updated: updated }) => ({
      name,
      digest: digest ?? null,
      updatedAt: updated ? Date.parse(updated) : 0,
    }));
    return { tags, isLast: !parsed.data.next };
  };

const get = async (url: string, signal: AbortSignal): Promise<string> => {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { redirect: 'error', signal: limit, headers: { accept: 'application/json' } });
    if (response.ok) return await textOf(response, url);
    await response.body?.cancel();
    const headers = { 'retry-after': response.headers.get('retry-after') ?? undefined };
    const limited = response.status === 429 ? { retryAfterMs: parseRetryAfter(headers, Date.now()) } : undefined;
    throw new HubError(`GET ${url}: status ${response.status}`, limited);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HubError) throw error;
    const { cause, message } = error as Error;
    throw new HubError(`GET ${url}: ${cause instanceof Error ? cause.message : message}`);
  }
};

const textOf = async (response: Response, url: string): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > largest) throw new HubError(`GET ${url}: the answer is larger than ${largest} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const jsonOrNothing = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};
