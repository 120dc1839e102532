import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { extractArchive, type ExtractOptions } from './archive/extract.js';
import { ContextError } from './errors.js';
import { authorizationFor, fetchSafely, nameOf, refusalFor } from './http.js';
import { bytesInWords, withDefaults } from './limits.js';
import type { RemoteOptions } from './git/remote.js';

/**
 * Fetches an archive and unpacks it below `base` while it comes in.
 * @returns the directory of the context, and the digest of the archive
 * @throws ContextError; the signal's reason
 */
export async function unpackFrom(
  address: string,
  base: string,
  options: RemoteOptions & ExtractOptions,
): Promise<{ dir: string; digest: string }> {
  const url = new URL(address);
  const authorization = authorizationFor(url, options.accessToken, 'Bearer');
  const answer = await fetchSafely(url, { ...options, authorization, headers: { accept: '*/*' } });
  try {
    const what = `archive ${nameOf(url)}`;
    if (answer.status !== 200) throw refusalFor(answer.status, what, authorization !== null);
    const { compressedBytes } = withDefaults(options.limits);
    if (Number(answer.headers['content-length']) > compressedBytes) {
      throw new ContextError('TOO_LARGE', `The ${what} is larger than ${bytesInWords(compressedBytes)}.`);
    }
    const dir = join(base, 'root');
    await mkdir(dir, { mode: 0o700 });
    const { digest } = await extractArchive(answer.body, dir, options);
    return { dir, digest };
  } finally {
    await answer.close();
  }
}
